/**
 * Each field of each operation with values it does not expect, all others being in order, so that every check is reached.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSystem } from '../../../src/engines/system/system.ts';
import { CodedError } from '../../../src/model/errors.ts';
import { fakeControl } from '../../support/control.ts';
import { ask, type FakeCore, fakeCore } from './ask.ts';

const CANARY = 'canary-5f0e';
const VALUES = [
  CANARY,
  [CANARY],
  { [CANARY]: CANARY },
  [[CANARY]],
  [null],
  '',
  '__proto__',
  -1,
  1e300,
  1.5,
  true,
  null,
];
const PATHS = ['x', 'secret', 'a/b', 'sys', 'auth/token', 'token', '__proto__', 'root', 'é'];
const PASSWORD_POLICY = 'length = 9\nrule "charset" { charset = "ab" }';
/** A body with which an operation does something; the others do with none. */
const SOUND: Record<string, object> = {
  'mounts/:path*': { type: 'kv', config: {}, options: {} },
  'auth/:path*': { type: 'userpass', config: {}, options: {} },
  'mounts/:path*/tune': { options: {} },
  'audit/:path*': { type: 'file', options: {} },
  init: { secret_shares: 1, secret_threshold: 1 },
  unseal: { key: 'ab'.repeat(32) },
  capabilities: { token: 'root', path: 'a' },
  'capabilities-self': { path: 'a' },
  'capabilities-accessor': { accessor: 'accessorOfroot', path: 'a' },
  'internal/policy-explain': { method: 'GET', path: 'a', token: 'root' },
  'internal/policy-explain-self': { method: 'GET', path: 'a' },
  'internal/search/kv/:path*': { term: 'a' },
  'policy/:name+': { policy: 'path "a" { capabilities = ["read"] }' },
  'policies/acl/:name+': { policy: 'path "a" { capabilities = ["read"] }' },
  'policies/password/:name': { policy: PASSWORD_POLICY },
  'quotas/rate-limit/:name': { rate: 1 },
  'quotas/lease-count/:name': { max_leases: 1 },
  'audit-hash/:path*': { input: 'text' },
  'leases/lookup': { lease_id: 'x/y' },
  'leases/revoke': { lease_id: 'x/y' },
  revoke: { lease_id: 'x/y' },
  'wrapping/lookup': { token: 'root' },
  'wrapping/unwrap': { token: 'root' },
  'wrapping/rewrap': { token: 'root' },
  remount: { from: 'secret', to: 'moved' },
  'generate-root/update': { nonce: 'n', key: 'ab'.repeat(32) },
  'generate-root-token/update': { nonce: 'n', key: 'ab'.repeat(32) },
  'decode-token': { encoded_token: 'YWJj', otp: 'abc' },
  'rekey/init': { secret_shares: 1, secret_threshold: 1 },
  'rotate/root/init': { secret_shares: 1, secret_threshold: 1 },
  'rekey/update': { nonce: 'n', key: 'ab'.repeat(32) },
  'rotate/root/update': { nonce: 'n', key: 'ab'.repeat(32) },
  'rekey/verify': { nonce: 'n', key: 'ab'.repeat(32) },
  'rotate/root/verify': { nonce: 'n', key: 'ab'.repeat(32) },
  loggers: { level: 'debug' },
  'loggers/:name': { level: 'debug' },
  'cluster/remove': { node: 'n3' },
  'cluster/approve': { peer_id: '12D3KooW4' },
};
/** What is refused whatever is sent in a body. */
const REFUSES_ALL = new Set([
  'internal/counters/requests',
  // Those there are so far are of tokens, which are renewed elsewhere.
  'leases/renew',
  'leases/renew/:url_lease_id*',
  'renew',
  'renew/:url_lease_id*',
  // It is for reading.
  'raw/:path*',
  // They want a type in the query.
  'leases',
  'leases/count',
]);
/** Nothing from outside runs here. */
const REFUSES_WRITES = new Set([
  'update plugins/pins/:type/:name',
  'update plugins/runtimes/catalog/:type/:name',
]);
/** Where none of `PATHS` names anything. */
const SOUND_PATHS: Record<string, string> = {
  'tools/random/:source': 'tools/random/platform',
  'tools/random/:source/:urlbytes': 'tools/random/platform/8',
  'plugins/catalog/:type/:name': 'plugins/catalog/secret/kv',
  'plugins/catalog/:type': 'plugins/catalog/auth',
  'tools/hash/:urlalgorithm': 'tools/hash/sha2-256',
  'loggers/:name': 'loggers/core',
  'config/auditing/request-headers/:header': 'config/auditing/request-headers/user-agent',
  'pprof/:profile*': 'pprof/goroutine',
  'internal/inspect/router/:tag': 'internal/inspect/router/root',
  'raw/:path*': 'raw/x',
  'audit-chains/:chain': 'audit-chains/0123456789abcdef',
};
/** Members of members. */
const INNER: Record<string, string[]> = {
  config: [
    'default_lease_ttl',
    'max_lease_ttl',
    'listing_visibility',
    'token_type',
    'plugin_version',
    'plugin_name',
    'user_lockout_config',
    'audit_non_hmac_request_keys',
    'force_no_cache',
    CANARY,
  ],
  options: ['version', 'file_path', CANARY],
};

function* bodies(pattern: string, fields: readonly string[]): Generator<object> {
  const sound = SOUND[pattern] ?? {};
  yield sound;
  for (const value of VALUES) {
    for (const field of [...fields, 'unknown', CANARY]) yield { ...sound, [field]: value };
    for (const [field, members] of Object.entries(INNER)) {
      if (!fields.includes(field)) continue;
      for (const member of members) yield { ...sound, [field]: { [member]: value } };
    }
  }
}

/** It is asked in a namespace with another one in it. */
function inNamespaces(core: FakeCore, locked?: 'above' | 'below'): void {
  const lock = { key_hash: '00'.repeat(32) };
  const one = { uuid: 'u', custom_metadata: {} };
  const above = { ...one, id: 'aaaaaa', path: 't/', lock: locked === 'above' ? lock : undefined };
  const below = { ...one, id: 'bbbbbb', path: 't/x/', lock: locked === 'below' ? lock : undefined };
  core.namespace = above;
  core.namespacesNow = [above, below];
}

/** Which namespace is locked where `pattern` is asked: the one that is to be unlocked. */
function lockedFor(pattern: string): 'above' | 'below' | undefined {
  if (!pattern.includes('unlock')) return undefined;
  return pattern.includes(':path') ? 'below' : 'above';
}

for (const [pattern, route] of Object.entries(makeSystem(fakeCore()).routes)) {
  for (const verb of ['read', 'list', 'update', 'delete'] as const) {
    const operation = route[verb];
    if (!operation) continue;
    test(`${verb} ${pattern}: whatever is sent is answered, or refused with a code and not repeated`, async () => {
      let answered = 0;
      const paths = (pattern.includes(':') ? PATHS : ['']).map((name) => pattern.replace(/:\w+[*+]?/g, name));
      for (const path of [...paths, SOUND_PATHS[pattern] ?? []].flat()) {
        const sent: Iterable<object | undefined> =
          verb === 'update' ? bodies(pattern, Object.keys(operation.params)) : [undefined];
        for (const body of sent) {
          const core = fakeCore();
          core.authTypes.push('userpass');
          core.deviceList.push({ path: 'x/', type: 'file', description: '', options: {}, local: false });
          core.cluster = fakeControl();
          core.settingsNow.set('password-policy/root/x', PASSWORD_POLICY);
          core.leasesNow.add('x/y');
          if (pattern.startsWith('namespaces')) inNamespaces(core, lockedFor(pattern));
          if (pattern.startsWith('remount/')) {
            const lastMove = { id: 'x', from: 'a/', to: 'b/' };
            core.mountsNow = core.mountsNow.map((mount) => ({ ...mount, lastMove }));
          }
          if (pattern === 'init') core.sealNow = { ...core.sealNow, initialized: false, sealed: true };
          if (pattern === 'unseal') core.sealNow = { ...core.sealNow, sealed: true };
          try {
            await ask(core, verb, path, { body });
            answered++;
          } catch (error) {
            const what = `${verb} ${path} ${JSON.stringify(body)}: ${(error as Error).stack}`;
            assert(error instanceof CodedError, what);
            assert(error.status < 500, what);
            // What is wrong in a policy is shown in its own words, as in Vault: it is no secret.
            if (!/failed to parse policy: |invalid password policy: /.test(error.message)) {
              assert.equal(error.message.includes(CANARY), false, what);
            }
          }
        }
      }
      if (REFUSES_ALL.has(pattern) || REFUSES_WRITES.has(`${verb} ${pattern}`)) return;
      // A store sealed by Shamir shares has no recovery keys: nothing of them is served but the refusal.
      assert(
        answered > 0 || /recovery-key|rotate\/recovery/.test(pattern),
        'nothing but refusals: the checks hide what is behind them',
      );
    });
  }
}
