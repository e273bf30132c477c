/** @module Leases of tokens: found, listed, counted, not renewed, ended one by one and below a path; and the refusals. */

import { as, get, list, post, put, type Sequence } from '../ask.ts';

const AT = 'auth/token/create-orphan';
const lease_id = `${AT}/{lease}`;
const make = (name: string, ttl = '1h') =>
  post(AT, { ttl, policies: ['default'] }, { save: { [name]: 'auth.client_token' } });
const listed = list(`sys/leases/lookup/${AT}/`, { save: { lease: 'data.keys.0' }, shapeOnly: true });

export const leases: Sequence[] = [
  {
    name: 'leases: one token’s',
    asks: [
      put(`sys/leases/revoke-prefix/${AT}`, { sync: true }),
      list(`sys/leases/lookup/${AT}/`),
      make('one'),
      listed,
      put('sys/leases/lookup', { lease_id }),
      post('sys/leases/lookup', { lease_id: `${AT}/none` }),
      post('sys/leases/lookup', {}),
      post('sys/leases/lookup/{lease}', {}),
      post('sys/leases/renew', { lease_id }),
      put(`sys/leases/renew/${lease_id}`, {}),
      put('sys/renew', { lease_id }),
      put(`sys/renew/${lease_id}`, {}),
      post('sys/leases/renew', { lease_id, increment: 'x' }),
      post('sys/leases/renew', { lease_id: 'none' }),
      post('sys/leases/renew', {}),
      post('sys/leases/revoke', {}),
      post('sys/leases/revoke', { lease_id: 'none' }),
      post('sys/leases/revoke', { lease_id, sync: 'x' }),
      ...as('{one}', [
        post('sys/leases/lookup', { lease_id: 'none' }),
        post('sys/leases/revoke', { lease_id: 'none' }),
        list('sys/leases/lookup/auth/'),
        get('sys/leases?type=irrevocable'),
        get('sys/leases/count?type=irrevocable'),
        put('sys/leases/revoke-prefix/auth'),
        put('sys/leases/revoke-force/auth'),
        post('sys/leases/tidy', {}),
      ]),
      post('sys/leases/revoke', { lease_id, sync: true }),
      post('sys/leases/revoke', { lease_id, sync: true }),
      post('auth/token/lookup', { token: '{one}' }),
      put('sys/leases/lookup', { lease_id }),
    ],
  },
  {
    name: 'leases: below a path',
    asks: [
      make('a'),
      make('b'),
      listed,
      list('sys/leases/lookup/none/'),
      put('sys/leases/revoke-prefix/none', { sync: true }),
      put('sys/leases/revoke-force/none'),
      put('sys/revoke-prefix/none', { sync: true }),
      put('sys/revoke-force/none'),
      put(`sys/leases/revoke-prefix/${AT}`, { sync: true }),
      list(`sys/leases/lookup/${AT}/`),
      post('auth/token/lookup', { token: '{a}' }),
      make('c'),
      listed,
      put(`sys/revoke/${lease_id}`, { sync: true }),
      post('auth/token/lookup', { token: '{c}' }),
      make('d'),
      put(`sys/leases/revoke-force/${AT}`),
      post('auth/token/lookup', { token: '{d}' }),
    ],
  },
  {
    name: 'leases: irrevocable ones',
    asks: [
      get('sys/leases'),
      get('sys/leases?type=other'),
      get('sys/leases?type=irrevocable'),
      get('sys/leases?type=irrevocable&limit=5'),
      get('sys/leases?type=irrevocable&limit=none'),
      get('sys/leases?type=irrevocable&limit=x'),
      get('sys/leases?type=irrevocable&include_child_namespaces=true'),
      get('sys/leases/count'),
      get('sys/leases/count?type=irrevocable'),
      get('sys/leases/count?type=other'),
      get('sys/leases/count?type=irrevocable&include_child_namespaces=x'),
      post('sys/leases/tidy', {}),
      get('sys/leases/tidy'),
    ],
  },
];
