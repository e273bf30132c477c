/** @module Namespaces: made, named by header and by path, their tokens, locks, ends. */

import { type Ask, del, get, list, patch, post, put, type Sequence } from '../ask.ts';

const MERGE = { headers: { 'content-type': 'application/merge-patch+json' } };
const within = (namespace: string, ask: Ask): Ask => ({
  ...ask,
  headers: { ...ask.headers, 'x-vault-namespace': namespace },
});

export const namespaces: Sequence[] = [
  {
    name: 'namespaces',
    asks: [
      post('sys/namespaces/d-ns', { custom_metadata: { a: 'b' } }, { save: { ns: 'data.id' } }),
      get('sys/namespaces/d-ns'),
      get('sys/namespaces/d-nobody'),
      list('sys/namespaces'),
      get('sys/namespaces'),
      post('sys/namespaces/d-ns', { custom_metadata: { c: 'd' } }),
      patch('sys/namespaces/d-ns', { custom_metadata: { c: null, e: 'f' } }, MERGE),
      patch('sys/namespaces/d-nobody', {}, MERGE),
      ...['root', 'sys', 'audit', 'auth', 'cubbyhole', 'identity', 'a%20b', 'a+b', 'a/b', 'secret'].map(
        (name) => post(`sys/namespaces/${name}`),
      ),
      within('d-ns', post('sys/namespaces/below', undefined, { save: { below: 'data.id' } })),
      within('d-ns', list('sys/namespaces')),
      list('d-ns/sys/namespaces'),
      get('d-ns/sys/namespaces/below'),
      within('d-ns', get('sys/internal/ui/namespaces')),
      del('sys/namespaces/d-ns'),
      del('sys/namespaces/d-nobody'),
    ],
  },
  {
    name: 'namespaces: what is in them',
    asks: [
      within('d-ns', get('sys/auth')),
      within('d-ns', list('sys/policies/acl')),
      within('d-ns', post('sys/mounts/kv', { type: 'kv' })),
      post('sys/mounts/d-ns/kv', { type: 'kv' }),
      within('d-ns', put('kv/a', { v: 1 })),
      get('d-ns/kv/a'),
      within('/d-ns/', get('kv/a')),
      within('root', get('d-ns/kv/a')),
      get('kv/a'),
      within('d-ns', get('below/kv/a')),
      within('d-nobody', get('kv/a')),
      within('root/d-ns', get('kv/a')),
      get('sys/internal/ui/mounts/d-ns/kv/a'),
      ...['health', 'init', 'audit', 'host-info', 'metrics', 'config/cors'].map((name) =>
        within('d-ns', get(`sys/${name}`)),
      ),
      within('d-ns', post('sys/seal')),
      within('d-ns', post('sys/tools/hash', { input: 'YQ==' })),
    ],
  },
  {
    name: 'namespaces: tokens',
    asks: [
      within('d-ns', put('sys/policies/acl/p', { policy: 'path "kv/*" { capabilities = ["read"] }' })),
      within('d-ns', post('auth/token/create', {})),
      within('d-ns', post('auth/token/create', { id: 'chosen' })),
      within(
        'd-ns',
        post(
          'auth/token/create',
          { policies: ['p'] },
          { save: { mine: 'auth.client_token', its: 'auth.accessor' } },
        ),
      ),
      within('d-ns', get('auth/token/lookup-self', { token: '{mine}' })),
      within('d-ns', get('kv/a', { token: '{mine}' })),
      get('d-ns/kv/a', { token: '{mine}' }),
      within('d-ns', put('kv/a', { v: 2 }, { token: '{mine}' })),
      get('secret/data/a', { token: '{mine}' }),
      within('d-ns', post('sys/capabilities-self', { paths: ['kv/a', 'sys/mounts'] }, { token: '{mine}' })),
      post('sys/capabilities', { token: '{mine}', paths: ['d-ns/kv/a', 'kv/a'] }),
      post('sys/capabilities', { token: '{mine}', path: 'd-ns/kv/a' }),
      post('auth/token/lookup-accessor', { accessor: '{its}' }),
      within('d-ns', post('auth/token/lookup-accessor', { accessor: '{its}' })),
      within('d-ns', post('auth/token/revoke', { token: '{mine}' })),
      within('d-ns', get('kv/a', { token: '{mine}' })),
    ],
  },
  {
    name: 'namespaces: locks',
    asks: [
      post('sys/namespaces/api-lock/lock'),
      post('sys/namespaces/api-lock/unlock'),
      post('sys/namespaces/api-lock/lock/d-nobody'),
      post('sys/namespaces/api-lock/unlock/d-ns'),
      post('sys/namespaces/api-lock/lock/d-ns', undefined, { save: { key: 'data.unlock_key' } }),
      post('sys/namespaces/api-lock/lock/d-ns'),
      within('d-ns', get('kv/a')),
      within('d-ns/below', get('sys/mounts')),
      get('sys/namespaces/d-ns', { save: { ns: 'data.id' } }),
      within('d-ns', post('sys/namespaces/api-lock/unlock', { unlock_key: 'x' })),
      within('d-ns', post('sys/namespaces/api-lock/unlock', { unlock_key: '{key}' })),
      within('d-ns', get('kv/a')),
    ],
  },
];
