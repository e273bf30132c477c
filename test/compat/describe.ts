/**
 * The part of docs/compatibility.md about real clients: what their tests and commands may fail at, and why.
 *
 * @module
 */

import { CLUSTER_EXCEPTIONS } from './cluster/exceptions.ts';
import { CLUSTER_EXPECTATIONS } from './cluster/expectations.ts';
import { EXPECTATIONS, type Expectation } from './diff/expectations.ts';
import { GO_EXCEPTIONS } from './go/run-go.ts';
import { HVAC_EXCEPTIONS } from './hvac/exceptions.ts';
import { HVAC_FILES_NOT_YET } from './hvac/tests.ts';
import { NOT_YET } from './node-vault/not-yet.ts';

/** Markdown, headings from level 3. The same tables decide `npm run compat` and `npm run diff-bao`, so it cannot say what they do not. */
export function describeClients(): string {
  return [
    '### hvac',
    "hvac 2.4.0's own integration tests, unchanged from its sdist. Excepted, because:",
    bullets(HVAC_EXCEPTIONS.map(({ test, reason }) => [reason, test])),
    'What needs several nodes, Vault Enterprise or another version of Vault, hvac skips by itself. Test files that do not run, because:',
    bullets(Object.entries(HVAC_FILES_NOT_YET).map(([file, reason]) => [reason, file])),
    '### node-vault',
    'Every command of node-vault, except:',
    bullets(Object.entries(NOT_YET).map(([command, { reason }]) => [reason, command])),
    '### Go: github.com/hashicorp/vault/api',
    GO_EXCEPTIONS.length === 0
      ? 'No exceptions.'
      : bullets(GO_EXCEPTIONS.map(({ test, reason }) => [reason, test])),
    '### Three nodes',
    'The same is run (`npm run compat:cluster`) where `vault server` is three nodes of a cluster behind a proxy that ends TLS and ' +
      'hands each request to the next node, besides what is excepted above. Certificate auth is left out: who ends TLS sees the certificate.',
    clusterExceptions(),
    '### Differences to OpenBao',
    'The same requests to OpenBao and to Coffer are answered alike, except:',
    reasons(EXPECTATIONS),
    'Three nodes differ besides, because:',
    reasons(CLUSTER_EXPECTATIONS),
  ].join('\n\n');
}

function clusterExceptions(): string {
  const all = Object.values(CLUSTER_EXCEPTIONS).flat();
  if (all.length === 0) return 'No exceptions of its own.';
  return `Excepted there, because:\n\n${bullets(all.map(({ test, reason }) => [reason, test]))}`;
}

function reasons(expectations: readonly Expectation[]): string {
  return [...new Set(expectations.map(({ reason }) => reason))].map((reason) => `- ${reason}`).join('\n');
}

/** One line for each reason, with the names it holds for. */
function bullets(entries: [reason: string, name: string][]): string {
  return [...Map.groupBy(entries, ([reason]) => reason)]
    .map(([reason, group]) => `- ${reason}: ${group.map(([, name]) => `\`${name}\``).join(', ')}`)
    .join('\n');
}
