/**
 * What an audit log is compared with: how far each chain of it has come, and the keys that its checkpoints are signed with. Ours, not Vault's:
 * `coffer audit verify` asks for it.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { AUDIT_CHAINS_LISTED_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import { rfc3339 } from '../../model/time.ts';
import type { AuditChain, AuditKeys } from './audit-core.ts';
import type { SystemCore } from './core.ts';

const CHAIN = /^[0-9a-f]{16}$/;

export function auditChainRoutes({ auditChains }: SystemCore): Record<string, Route> {
  return {
    'audit-chains': {
      list: operation({
        summary: 'Lists the chains of the audit devices, of all nodes.',
        params: {
          after: p.string(`The last name of the page before, where there are more than a page holds.`, {
            absent: '',
          }),
        },
        async run({ after }) {
          const chains = await auditChains.list(after);
          return {
            data: {
              keys: chains.map(({ chain }) => chain),
              key_info: Object.fromEntries(chains.map((chain) => [chain.chain, shown(chain)])),
            },
            warnings:
              chains.length === AUDIT_CHAINS_LISTED_MAX ? ['there may be more: ask with `after`'] : undefined,
          };
        },
      }),
    },
    'audit-chains/:chain': {
      read: operation({
        summary: 'Shows how far a chain of audit entries has come.',
        params: {},
        async run(_params, { captures }) {
          const id = captures.chain!;
          if (!CHAIN.test(id)) throw badRequest('a chain is named by 16 hex digits');
          const chain = await auditChains.chain(id);
          return { data: chain && shown(chain) };
        },
      }),
    },
    'audit-keys': {
      read: operation({
        summary: 'Shows the public keys that checkpoints of audit logs are signed with.',
        params: {},
        run: () => ({ data: { keys: auditChains.keys().map(shownKeys) } }),
      }),
    },
    'audit-keys/rotate': {
      sudo: true,
      update: operation({
        summary: 'Has checkpoints of audit logs signed with new keys.',
        params: {},
        async run(_params, { claims }) {
          await auditChains.rotateKeys(claims);
          return {};
        },
      }),
    },
  };
}

function shown({ chain, device, node, file = '', seq, hash, atMs, closed, enabled }: AuditChain): {
  readonly [key: string]: Encodable;
} {
  return { chain, device, node, file, seq, hash, time: rfc3339(atMs), closed, enabled };
}

function shownKeys({ generation, ids, keys }: AuditKeys): { readonly [key: string]: Encodable } {
  return {
    generation,
    ed25519: { id: ids.ed25519, public_key: keys.ed25519 },
    ml_dsa_65: { id: ids.ml_dsa_65, public_key: keys.ml_dsa_65 },
  };
}
