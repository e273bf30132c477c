/** @module Cubbyhole: what belongs to one token. */

import { as, del, get, list, patch, post, put, type Sequence } from '../ask.ts';

export const cubbyhole: Sequence[] = [
  {
    name: 'cubbyhole',
    asks: [
      post('auth/token/create', { policies: ['default'] }, { save: { mine: 'auth.client_token' } }),
      post('auth/token/create', { policies: ['default'] }, { save: { other: 'auth.client_token' } }),
      ...as('{mine}', [
        get('cubbyhole/a'),
        list('cubbyhole'),
        post('cubbyhole/a', { x: 1, big: 5 }),
        put('cubbyhole/b/c', { y: [1, 2] }),
        get('cubbyhole/a'),
        list('cubbyhole/'),
        list('cubbyhole/b'),
        post('cubbyhole/a', {}),
        post('cubbyhole/a'),
        post('cubbyhole/', { x: 1 }),
        post('cubbyhole/b/', { x: 1 }),
        get('cubbyhole/'),
        patch('cubbyhole/a', { x: 2 }),
      ]),
      ...as('{other}', [get('cubbyhole/a'), list('cubbyhole/'), del('cubbyhole/a')]),
      ...as('{mine}', [get('cubbyhole/a'), del('cubbyhole/a'), del('cubbyhole/a'), get('cubbyhole/a')]),
      get('cubbyhole/a'),
      post('sys/mounts/cubbyhole', { type: 'kv' }),
      del('sys/mounts/cubbyhole'),
      get('sys/mounts/cubbyhole/tune'),
    ],
  },
];
