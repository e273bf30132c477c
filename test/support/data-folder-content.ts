/**
 * What is put into a data folder that is kept, and what is asked of it.
 *
 * @module
 */
import type { Question } from './data-folder.ts';

/**
 * What a new folder holds: something of everything that is stored. In order; a reply's token is kept under `keep`.
 * Nothing may end by time, and no path of this machine may be in it.
 */
export const CONTENT: readonly (Question & { readonly keep?: string })[] = [
  policy(
    'reader',
    'path "v1/*" { capabilities = ["read", "list"] }\npath "v2/+/a" { capabilities = ["read"] }',
  ),
  policy(
    'json',
    '{"path": {"v2/data/*": {"capabilities": ["create", "update"], "required_parameters": ["options"]}}}',
  ),
  policy('passing', 'path "x" { capabilities = ["deny"] }'),
  root('DELETE', 'sys/policies/acl/passing'),
  root('POST', 'sys/mounts/v1', {
    type: 'kv',
    description: 'first version',
    config: { default_lease_ttl: '7h' },
  }),
  root('POST', 'sys/mounts/v2', { type: 'kv', options: { version: '2' } }),
  root('POST', 'sys/mounts/deep/er', { type: 'kv-v2', config: { listing_visibility: 'unauth' } }),
  root('POST', 'sys/mounts/v1/tune', {
    description: 'tuned',
    max_lease_ttl: '9h',
    audit_non_hmac_request_keys: ['a'],
  }),
  root('POST', 'sys/mounts/passing', { type: 'kv' }),
  root('POST', 'passing/a', { b: 'c' }),
  root('DELETE', 'sys/mounts/passing'),
  // Enough changes of one section of the catalog for a snapshot of it.
  ...Array.from({ length: 35 }, (_, n) => policy(`many-${n}`, 'path "x" { capabilities = ["deny"] }')),
  root('POST', 'sys/mounts/upgraded', { type: 'kv', options: { version: '1' } }),
  root('POST', 'upgraded/old', { from: 'version 1' }),
  root('POST', 'sys/mounts/upgraded/tune', { options: { version: '2' } }),
  root('POST', 'upgraded/data/new', { data: { from: 'version 2' } }),
  root('POST', 'v1/plain', { text: 'ä😀\u0000"', number: 1.5, list: [1, [2]], nothing: null, ttl: '30m' }),
  root('POST', 'v1/big', { value: 'x'.repeat(9_000) }),
  root('POST', 'v1/a/b/c', { '10': 'ten', '9': 'nine', ['__proto__']: 'a key like others' }),
  root('POST', 'v1/a/b', { both: 'a secret and a folder' }),
  root('POST', 'v1/passing', { a: 'b' }),
  root('DELETE', 'v1/passing'),
  ...[1, 2, 3, 4].map((n) => root('POST', 'v2/data/a', { data: { n } })),
  root('POST', 'v2/delete/a', { versions: [2] }),
  root('PUT', 'v2/destroy/a', { versions: [3] }),
  root('POST', 'v2/metadata/a', { custom_metadata: { owner: 'me' }, max_versions: 7, cas_required: true }),
  root('POST', 'v2/data/back', { data: { k: 'v' } }),
  root('DELETE', 'v2/data/back'),
  root('POST', 'v2/undelete/back', { versions: [1] }),
  root('POST', 'v2/data/patched', { data: { a: 1, b: 2 } }),
  root('POST', 'v2/data/folder/later', { data: { k: 'v' } }),
  root('POST', 'v2/metadata/folder/timed', { delete_version_after: '800000h' }),
  root('POST', 'v2/data/folder/timed', { data: { k: 'in ninety years' } }),
  root('POST', 'v2/data/many', { data: { n: 0 } }),
  ...Array.from({ length: 14 }, (_, n) => root('POST', 'v2/data/many', { data: { n: n + 1 } })),
  root('POST', 'deep/er/config', { max_versions: 3, cas_required: true }),
  root('POST', 'deep/er/data/a', { data: { big: 'y'.repeat(9_000) }, options: { cas: 0 } }),
  token('reader', { policies: ['reader'], display_name: 'kept', meta: { who: 'reader' }, ttl: '800000h' }),
  token('periodic', { policies: ['json'], period: '800000h' }),
  token('limited', { policies: ['reader'], num_uses: 1_000, ttl: '800000h', no_default_policy: true }),
  token('named', { id: 'kept-token-of-our-own', policies: ['root'] }),
  token('parent', { policies: ['root'] }),
  {
    as: 'parent',
    method: 'POST',
    path: 'auth/token/create',
    send: { policies: ['reader'], ttl: '800000h' },
    keep: 'child',
  },
  token('revoked', { policies: ['root'] }),
  {
    as: 'revoked',
    method: 'POST',
    path: 'auth/token/create',
    send: { policies: ['root'] },
    keep: 'orphaned',
  },
  root('POST', 'auth/token/create-orphan', { policies: ['reader'], ttl: '800000h' }, 'orphan'),
  { as: 'reader', method: 'POST', path: 'cubbyhole/own/place', send: { mine: 'alone' } },
  root('PUT', 'sys/audit/kept', {
    type: 'file',
    description: 'goes nowhere',
    options: { file_path: 'discard' },
  }),
  root('POST', 'sys/rotate', {}),
  root('POST', 'v1/after', { rotated: 'second term' }),
  { as: 'revoked', method: 'POST', path: 'auth/token/revoke-self', send: {} },
];

/** What is asked of a folder that was just filled; its answers are kept with it. */
export const QUESTIONS: readonly Question[] = [
  { as: undefined, method: 'GET', path: 'sys/seal-status' },
  ...['sys/mounts', 'sys/auth', 'sys/audit', 'sys/key-status', 'sys/mounts/v1/tune'].map((path) =>
    root('GET', path),
  ),
  root('POST', 'sys/audit-hash/kept', { input: 'a value' }),
  root('LIST', 'sys/policies/acl'),
  ...['reader', 'json', 'default', 'passing'].map((name) => root('GET', `sys/policies/acl/${name}`)),
  ...['', 'a', 'a/b'].map((path) => root('LIST', `v1/${path}`)),
  ...['plain', 'big', 'a/b', 'a/b/c', 'passing', 'after'].map((path) => root('GET', `v1/${path}`)),
  ...['', 'folder'].map((path) => root('LIST', `v2/metadata/${path}`)),
  ...['a', 'folder/later', 'folder/timed', 'many'].map((path) => root('GET', `v2/metadata/${path}`)),
  ...[0, 1, 2, 3, 4, 5].map((version) => root('GET', `v2/data/a?version=${version}`)),
  ...[0, 5, 6].map((version) => root('GET', `v2/data/many?version=${version}`)),
  ...[
    'v2/data/back',
    'v2/data/patched',
    'v2/data/folder/later',
    'v2/data/folder/timed',
    'deep/er/data/a',
    'deep/er/config',
    'v2/config',
    'upgraded/data/old',
    'upgraded/data/new',
  ].map((path) => root('GET', path)),
  root('LIST', 'auth/token/accessors'),
  ...['root', 'reader', 'periodic', 'named', 'parent', 'child', 'orphan'].map((as) => ({
    as,
    method: 'GET',
    path: 'auth/token/lookup-self',
  })),
  ...['revoked', 'orphaned'].map((as) => ({ as, method: 'GET', path: 'auth/token/lookup-self' })),
  { as: 'reader', method: 'GET', path: 'v1/plain' },
  { as: 'limited', method: 'GET', path: 'v1/plain' },
  { as: 'limited', method: 'GET', path: 'auth/token/lookup-self' },
  { as: 'reader', method: 'POST', path: 'v1/plain', send: { not: 'allowed' } },
  { as: 'reader', method: 'GET', path: 'cubbyhole/own/place' },
  { as: 'parent', method: 'GET', path: 'cubbyhole/own/place' },
  {
    as: 'periodic',
    method: 'POST',
    path: 'sys/capabilities-self',
    send: { paths: ['v2/data/a', 'v1/a', 'sys/mounts'] },
  },
  { as: 'periodic', method: 'POST', path: 'v2/data/a', send: { data: { not: 'allowed' } } },
  { as: undefined, method: 'GET', path: 'sys/internal/ui/mounts' },
];

function root(method: string, path: string, send?: unknown, keep?: string): Question & { keep?: string } {
  return { as: 'root', method, path, send, keep };
}

function policy(name: string, text: string): Question {
  return root('PUT', `sys/policies/acl/${name}`, { policy: text });
}

function token(keep: string, send: object): Question & { keep?: string } {
  return root('POST', 'auth/token/create', send, keep);
}
