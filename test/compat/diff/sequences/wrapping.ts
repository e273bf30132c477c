/** @module Response wrapping: what is asked in which order decides who has the reply. */

import { type Ask, del, get, list, post, type Sequence } from '../ask.ts';

const TTL = { headers: { 'x-vault-wrap-ttl': '300' } };
const SAVE = { save: { wrapping: 'wrap_info.token' } };
const wrapped = { ...TTL, ...SAVE };
/** With the wrapping token as the caller's own. */
const own = (ask: Ask): Ask => ({ ...ask, token: '{wrapping}' });

export const wrapping: readonly Sequence[] = [
  {
    name: 'wrapping: opened once',
    asks: [
      post('sys/wrapping/wrap', { a: 'b', n: 1 }, wrapped),
      post('sys/wrapping/lookup', { token: '{wrapping}' }),
      post('sys/wrapping/unwrap', { token: '{wrapping}' }),
      post('sys/wrapping/unwrap', { token: '{wrapping}' }),
      post('sys/wrapping/lookup', { token: '{wrapping}' }),
      post('sys/wrapping/wrap', {}, wrapped),
      own(post('sys/wrapping/unwrap', {})),
      own(post('sys/wrapping/unwrap', {})),
      post('auth/token/create', { policies: ['default'] }, wrapped),
      own(get('sys/wrapping/lookup')),
      own(post('sys/wrapping/unwrap', {})),
    ],
  },
  {
    name: 'wrapping: what a wrapping token may not',
    asks: [
      post('sys/wrapping/wrap', { a: 'b' }, wrapped),
      own(get('auth/token/lookup-self')),
      own(post('sys/wrapping/unwrap', {})),
      post('sys/wrapping/wrap', { a: 'b' }, wrapped),
      own(post('sys/wrapping/rewrap', {})),
      post('sys/wrapping/wrap', { a: 'b' }, wrapped),
      own(list('cubbyhole')),
      post('sys/wrapping/wrap', { a: 'b' }, wrapped),
      own(get('cubbyhole/response')),
    ],
  },
  {
    name: 'wrapping: rewrapped',
    asks: [
      post('sys/wrapping/wrap', { a: 'b' }, wrapped),
      post('sys/wrapping/rewrap', { token: '{wrapping}' }, { save: { second: 'wrap_info.token' } }),
      post('sys/wrapping/unwrap', { token: '{wrapping}' }),
      post('auth/token/lookup', { token: '{second}' }),
      post('sys/wrapping/unwrap', { token: '{second}' }),
    ],
  },
  {
    name: 'wrapping: what a mount answered ends with the mount',
    asks: [
      post('sys/mounts/d-wrap', { type: 'kv' }),
      post('d-wrap/a', { v: 1 }),
      get('d-wrap/a', { ...TTL, save: { kept: 'wrap_info.token' } }),
      post('sys/wrapping/rewrap', { token: '{kept}' }, { save: { rewrapped: 'wrap_info.token' } }),
      get('d-wrap/a', { ...TTL, save: { moving: 'wrap_info.token' } }),
      post('sys/remount', { from: 'd-wrap', to: 'd-wrapped' }, { shapeOnly: true }),
      post('sys/wrapping/lookup', { token: '{moving}' }),
      get('d-wrapped/a', wrapped),
      get('sys/mounts/d-wrapped', { ...TTL, save: { mount: 'wrap_info.token' } }),
      del('sys/mounts/d-wrapped'),
      post('sys/wrapping/lookup', { token: '{wrapping}' }),
      post('sys/wrapping/unwrap', { token: '{wrapping}' }),
      post('sys/wrapping/unwrap', { token: '{rewrapped}' }),
      post('sys/wrapping/lookup', { token: '{mount}' }),
    ],
  },
  {
    name: 'wrapping: no token, no wrapping token, no TTL',
    asks: [
      post('sys/wrapping/wrap', { a: 'b' }),
      get('sys/wrapping/wrap', TTL),
      post('sys/wrapping/lookup', {}, { token: '' }),
      post('sys/wrapping/lookup', { token: 'none' }, { token: '' }),
      post('sys/wrapping/unwrap', { token: 5 }),
      post('sys/wrapping/unwrap', {}),
      post('sys/wrapping/rewrap', {}),
      get('sys/mounts', wrapped),
      get('sys/health', TTL),
      get('cubbyhole/none', TTL),
      list('cubbyhole/none', TTL),
      get('sys/wrapping/pubkey'),
      get('sys/wrapping/pubkey', { token: '' }),
    ],
  },
];
