/**
 * Writes docs/compatibility.md: which endpoints of Vault's API are served, computed from the route tables, and what real clients may fail at.
 *
 *     node scripts/compatibility.ts
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { makeAppRole } from '../src/auth/approle/approle.ts';
import { makeTokenAuth, type TokenRoutesOptions } from '../src/auth/token/routes.ts';
import { makeUserpass } from '../src/auth/userpass/userpass.ts';
import { cubbyhole } from '../src/engines/cubbyhole/cubbyhole.ts';
import { kv1 } from '../src/engines/kv/v1.ts';
import { kv2 } from '../src/engines/kv/v2.ts';
import type { SystemCore } from '../src/engines/system/core.ts';
import { makeSystem } from '../src/engines/system/system.ts';
import type { Engine, Route } from '../src/model/engine.ts';
import { COFFER_VERSION, VAULT_VERSION } from '../src/model/version.ts';
import { makeRouter, type Router } from '../src/pipeline/router.ts';
import { describeClients } from '../test/compat/describe.ts';

const LIST_FILE = new URL('../docs/endpoints.json', import.meta.url);
export const COMPATIBILITY_FILE = new URL('../docs/compatibility.md', import.meta.url);

/** As in docs/endpoints.json, which holds every endpoint that Vault 1.19 or OpenBao documents. */
interface Area {
  readonly area: string;
  /** Where the engine usually stands; '' where the paths say it themselves. */
  readonly mount: string;
  readonly endpoints: readonly {
    /** `:name` stands for anything, in as many segments as there are. */
    readonly path: string;
    /** POST is PUT too. */
    readonly verbs: readonly HttpVerb[];
    /** Where it is not in Vault's community edition. */
    readonly only?: string;
  }[];
}

type HttpVerb = keyof typeof VERBS;

/** Verbs of HTTP and what a route calls them. HEAD is answered as GET. */
const VERBS = {
  GET: 'read',
  HEAD: 'read',
  LIST: 'list',
  POST: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
} as const satisfies Record<string, keyof Route>;

/** What is served but not in full, by verb and path, and what is missing. */
const PARTLY: Record<string, string> = {
  'GET sys/host-info': 'what Node.js knows of its machine',
  'GET sys/pprof/:profile':
    'no `block`, `mutex` and `trace`, which are Go’s; `goroutine` counts what the event loop waits for',
  'POST sys/raw/:path': 'refused: `sys/raw` only reads',
  'DELETE sys/raw/:path': 'refused: `sys/raw` only reads',
  'POST auth/token/create': 'no entity aliases',
  'POST auth/token/create-orphan': 'no entity aliases',
  'POST auth/token/create/:role': 'no entity aliases',
  'POST auth/token/roles/:role': 'no entity aliases',
  'POST sys/auth/:path': 'types `approle` and `userpass` only',
  'POST sys/mounts/:path': 'type `kv` only',
  'POST sys/quotas/rate-limit/:name': 'no `role`; `scope` is Coffer’s: `node` (as in Vault) or `cluster`',
  'POST sys/unseal': '`migrate` has no effect',
};

/** What a Vault without Enterprise, raft and recovery mode answers 404 to as well; by area or by path below sys/. */
const NOT_THERE: Record<string, string> = {
  'System: raft storage': 'only where raft is the storage',
  'generate-recovery-token/attempt': 'only in recovery mode',
  'generate-recovery-token/update': 'only in recovery mode',
  'rotate/root': 'it takes the unseal key, which only OpenBao keeps in memory',
  'wrapping/pubkey': 'nor has Vault it, though its policies name it',
  'config/reload/:subsystem': 'there is a license only in Vault Enterprise',
};

export interface Endpoint {
  readonly area: string;
  /** After `/v1/`. */
  readonly path: string;
  readonly verb: HttpVerb;
  readonly only: string | undefined;
  /** `not there`: in such a server as this one Vault has it neither. */
  readonly served: 'served' | 'partly' | 'not there' | 'not yet';
  /** Of what is served in part; of what is not there, why. */
  readonly missing: string | undefined;
}

/** Every endpoint and verb of the list, judged by the route tables. */
export function endpoints(): Endpoint[] {
  const routers = new Map<string, Router>(
    Object.entries(engines()).map(([mount, engine]) => [mount, makeRouter(engine)]),
  );
  return areas().flatMap(({ area, mount, endpoints: listed }) =>
    listed.flatMap(({ path, verbs, only }) =>
      verbs.map((verb): Endpoint => {
        const route = routers.get(mount)?.match(samplePath(path), verb === 'LIST')?.route;
        const isServed = route?.[VERBS[verb]] !== undefined;
        const isEnterprise = mount === 'sys/' && only === 'Vault Enterprise';
        const notThere = isServed ? undefined : (NOT_THERE[area] ?? NOT_THERE[path]);
        const missing = isServed ? PARTLY[`${verb} ${mount}${path}`] : notThere;
        const unserved = isEnterprise || notThere ? 'not there' : 'not yet';
        const served = isServed ? (missing ? 'partly' : 'served') : unserved;
        return { area, path: mount + path, verb, only, served, missing };
      }),
    ),
  );
}

/** A path that an endpoint's pattern names. */
export function samplePath(pattern: string): string {
  return pattern.replace(/:\w+/g, 'x');
}

function areas(): Area[] {
  return JSON.parse(readFileSync(LIST_FILE, 'utf8')) as Area[];
}

/** The engines there are, by usual mount. Only their tables are looked at, so that they need nothing to work with. */
function engines(): Record<string, Engine> {
  return {
    'sys/': makeSystem({} as SystemCore),
    'auth/approle/': makeAppRole({} as Parameters<typeof makeAppRole>[0]),
    'auth/token/': makeTokenAuth({} as TokenRoutesOptions),
    'auth/userpass/': makeUserpass({} as Parameters<typeof makeUserpass>[0]),
    'cubbyhole/': cubbyhole,
    'kv/': kv1,
    'secret/': kv2,
  };
}

/** The whole page. */
export function compatibilityPage(): string {
  const all = endpoints();
  const partly = new Set(
    all.filter(({ served }) => served === 'partly').map(({ verb, path }) => `${verb} ${path}`),
  );
  const unknown = Object.keys(PARTLY).filter((name) => !partly.has(name));
  if (unknown.length > 0) throw new Error(`PARTLY names what is not served: ${unknown.join(', ')}`);
  const byArea = [...Map.groupBy(all, ({ area }) => area)];
  return `${[
    '# Compatibility',
    `Coffer ${COFFER_VERSION} speaks the API of Vault ${VAULT_VERSION}. This page is made by \`node scripts/compatibility.ts\` from the ` +
      'tables that route requests; do not edit it. What is not served answers 404 `unsupported path` or 405, never success.',
    '## Differences',
    DIFFERENCES.map((line) => `- ${line}`).join('\n'),
    '## Endpoints',
    'One endpoint here is a path and a verb; POST stands for PUT too. What only OpenBao or Vault Enterprise has is marked.' +
      ' What is not there is not there in a Vault of the community edition either that runs as this server does: with another storage than raft, sealed by shares.',
    table(
      ['Area', 'served', 'partly', 'not there', 'not yet'],
      byArea.map(([area, group]) => [
        area,
        ...(['served', 'partly', 'not there', 'not yet'] as const).map(countIn(group)),
      ]),
    ),
    ...byArea.flatMap(([area, group]) => section(area, group)),
    '## Clients',
    describeClients(),
  ].join('\n\n')}\n`;
}

/** Where Coffer answers otherwise than Vault, on purpose. */
const DIFFERENCES = [
  'A path with an empty segment (`//`) or a `.` segment is refused with 400; Vault redirects to the clean path.',
  '`identity/` is not among the mounts until it is served.',
  'A rekey or a root token that is attempted lapses ten minutes after its beginning or its last right share (24 hours while new shares are verified); until a share proved right, the next beginner takes its place. Vault refuses the next beginner at once, and forgets nothing by itself.',
  'Ending one needs its `nonce`, in the body or the query, or a token with `sudo` on the path; else 400. Vault 1.19 lets anybody, later ones ask for the nonce.',
  'A share that is none of the seal’s is refused at once, with 400; Vault says so when enough were given. Ten wrong ones within a minute, and shares are answered 429 for the rest of it, unless a token with `sudo` comes with them.',
  'The seal is of shares always: what belongs to recovery keys is refused in Vault’s words.',
  'Every node serves every request: `sys/step-down` answers 204 and does nothing. In a cluster each node that serves calls itself the active one in `sys/leader` and `sys/ha-status`; `sys/health` of one that is cut off, joins or leaves is 503, unless `haunhealthycode` says otherwise.',
  'Error texts never repeat a value that was sent in a body: an unknown type, TTL or option is refused without it. As Vault’s, they may name fields, keys of `custom_metadata` that are not too long, the file or address that an audit device cannot write to, and, of a policy that is refused, the words that are wrong in it.',
  'Audit devices write JSON only: `format=jsonx` is refused, and so is `prefix`, by which whoever may enable a device could have any bytes written in front of a file’s lines.',
  '`sys/seal-status` and `sys/health` show `coffer_version` beside `version`, which is Vault’s.',
  'A login of AppRole without a secret id is told that it is missing also where there is no such role id.',
  'One request asks about at most 10,000 paths of `sys/capabilities`; paths of mounts and names of policies have at most 512 bytes.',
  'A path of KV or cubbyhole is stored sealed, segment by segment: each takes 4/3 of its bytes and about 23 more, 1,826 bytes in all. That is 63 segments of 5 characters, 37 of 20, 11 of 100, or one of 1,353; one more is 400 `path is too long`, with the bound.',
  'A lease is a record of what it is of: those of tokens are found by a name that leads to the token, end when they are asked to (`sync` or not), and need no tidying.',
  'Rate-limit quotas have a `scope`: each `node` counts for itself, as in Vault, or the `cluster` counts as one. They hold clients by their address.',
  '`sys/raw` shows records as they rest here, under `data/…`, and does not write: each record has an owner in the cluster. The text of a record that is none is refused; `encoding=base64` shows it.',
  'The plugin catalog lists what is built in and served; nothing can be registered. Clients are not counted: `sys/internal/counters/activity` answers 204.',
];

function countIn(group: readonly Endpoint[]) {
  return (served: Endpoint['served']) =>
    String(group.filter((endpoint) => endpoint.served === served).length || '');
}

function section(area: string, group: readonly Endpoint[]): string[] {
  const there = group.filter(({ served }) => served === 'served' || served === 'partly');
  const rows = [...Map.groupBy(there, ({ path }) => path)].map(([path, verbs]) => [
    `\`${path}\``,
    verbs.map(({ verb }) => verb).join(' '),
    verbs
      .filter(({ missing }) => missing)
      .map(({ verb, missing }) => `${verb}: ${missing}`)
      .join('; '),
  ]);
  const unserved = (which: Endpoint['served']) => {
    const absent = group.filter(({ served }) => served === which);
    return [...Map.groupBy(absent, ({ path }) => path)].map(([path, verbs]) => {
      const why = verbs[0]!.only ?? (which === 'not there' ? verbs[0]!.missing : undefined);
      return `\`${path}\` ${verbs.map(({ verb }) => verb).join(' ')}${why ? ` (${why})` : ''}`;
    });
  };
  const notThere = unserved('not there');
  const missing = unserved('not yet');
  return [
    `### ${area}`,
    ...(rows.length > 0 ? [table(['Served', 'Verbs', 'Partly'], rows)] : []),
    ...(notThere.length > 0 ? [`Not there, 404 as in Vault without it: ${notThere.join('; ')}.`] : []),
    ...(missing.length > 0 ? [`Not yet: ${missing.join('; ')}.`] : []),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (import.meta.main) writeFileSync(COMPATIBILITY_FILE, compatibilityPage());
