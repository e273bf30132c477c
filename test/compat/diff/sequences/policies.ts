/** @module Policies: writing and reading them, and what they allow. */

import { type Ask, as, del, get, list, patch, post, put, type Sequence } from '../ask.ts';

const write = (name: string, policy: unknown): Ask => put(`sys/policies/acl/${name}`, { policy });
/** A token whose only policy is `name`. */
const tokenOf = (name: string): Ask =>
  post(
    'auth/token/create',
    { policies: [name], no_default_policy: true },
    { save: { limited: 'auth.client_token' } },
  );

export const policies: Sequence[] = [
  {
    name: 'policies: write, read, list, delete',
    asks: [
      list('sys/policies/acl'),
      get('sys/policies/acl?list=true'),
      get('sys/policies/acl'),
      list('sys/policy'),
      get('sys/policy'),
      get('sys/policies/acl/default', { shapeOnly: true }),
      get('sys/policies/acl/root'),
      get('sys/policies/acl/response-wrapping', { shapeOnly: true }),
      get('sys/policies/acl/none'),
      get('sys/policy/none'),
      get('sys/policy/root'),
      write('d-p', '# mine\n path "a/*" { capabilities = ["read"] }\n'),
      get('sys/policies/acl/d-p'),
      get('sys/policy/d-p'),
      write('D-Upper', 'path "a" { capabilities = ["read"] }'),
      get('sys/policies/acl/d-upper'),
      get('sys/policies/acl/D-UPPER'),
      post('sys/policy/d-old', { policy: 'path "a" { policy = "write" }' }),
      post('sys/policy/d-old', { rules: 'path "a" { policy = "read" }' }),
      get('sys/policy/d-old'),
      post('sys/policy/D-Old', { policy: 'path "b" { policy = "read" }' }),
      write('d-json', '{"path":{"a/*":{"capabilities":["read","list"]}}}'),
      get('sys/policies/acl/d-json'),
      write('d-b64', Buffer.from('path "a" { capabilities = ["read"] }').toString('base64')),
      get('sys/policies/acl/d-b64'),
      list('sys/policies/acl'),
      ...['d-p', 'd-upper', 'd-old', 'd-json', 'd-b64', 'd-none'].map((name) =>
        del(`sys/policies/acl/${name}`),
      ),
      list('sys/policies/acl'),
    ],
  },
  {
    name: 'policies: refusals',
    asks: [
      put('sys/policies/acl/bad', {}),
      put('sys/policies/acl/bad'),
      write('bad', ''),
      write('bad', 5),
      write('bad', 'path "a" {'),
      write('bad', 'path "a" { capabilities = ["fly"] }'),
      write('bad', 'path "a" { capabilities = "read" }'),
      write('bad', 'path "a" { policy = "fly" }'),
      write('bad', 'path "a" { unknown = "x" }'),
      write('bad', 'unknown "a" { capabilities = ["read"] }'),
      write('bad', 'path "a+*" { capabilities = ["read"] }'),
      write('bad', 'path "+*" { capabilities = ["read"] }'),
      write('bad', 'path "a" { min_wrapping_ttl = "x" capabilities = ["read"] }'),
      write('bad', 'path "a" { min_wrapping_ttl = "2h" max_wrapping_ttl = "1h" capabilities = ["read"] }'),
      write('bad', '{"path":'),
      write('bad', 'not a policy'),
      write('bad', 'path { capabilities = ["read"] }'),
      write('root', 'path "a" { capabilities = ["read"] }'),
      write('ROOT', 'path "a" { capabilities = ["read"] }'),
      write('response-wrapping', 'path "a" { capabilities = ["read"] }'),
      write('', 'path "a" { capabilities = ["read"] }'),
      write('slash/name', 'path "a" { capabilities = ["read"] }'),
      get('sys/policies/acl/slash/name'),
      write('d-empty', '# nothing'),
      get('sys/policies/acl/d-empty'),
      del('sys/policies/acl/root'),
      del('sys/policies/acl/default'),
      del('sys/policies/acl/response-wrapping'),
      del('sys/policy/default'),
      patch('sys/policies/acl/d-empty', { policy: 'x' }),
      del('sys/policies/acl/d-empty'),
      del('sys/policies/acl/slash/name'),
      list('sys/policies'),
      list('sys/policies/rgp'),
      list('sys/policies/egp'),
    ],
  },
  {
    name: 'policies: what they allow',
    asks: [
      post('sys/mounts/d-acl', { type: 'kv' }),
      ...['a', 'a/b', 'a/b/c', 'x/1/y', 'x/2/z', 'deny/me', 'exact'].map((path) =>
        post(`d-acl/${path}`, { v: 1 }),
      ),
      write(
        'd-acl',
        `path "d-acl/a/*" { capabilities = ["read", "list"] }
         path "d-acl/a/b" { capabilities = ["update"] }
         path "d-acl/x/+/y" { capabilities = ["read"] }
         path "d-acl/deny/*" { capabilities = ["read"] }
         path "d-acl/deny/me" { capabilities = ["deny"] }
         path "d-acl/exact" { capabilities = ["create"] }
         path "d-acl/new" { capabilities = ["create"] }
         path "d-acl/pre*" { capabilities = ["read", "create"] }
         path "d-acl/prefix" { policy = "write" }`,
      ),
      tokenOf('d-acl'),
      ...as('{limited}', [
        get('d-acl/a'),
        get('d-acl/a/b'),
        get('d-acl/a/b/c'),
        post('d-acl/a/b', { v: 2 }),
        post('d-acl/a/new', { v: 2 }),
        list('d-acl/a'),
        list('d-acl/a/b'),
        list('d-acl/'),
        list('d-acl/x'),
        get('d-acl/x/1/y'),
        get('d-acl/x/2/z'),
        get('d-acl/x/1/2/y'),
        get('d-acl/deny/me'),
        get('d-acl/deny/other'),
        post('d-acl/exact', { v: 2 }),
        post('d-acl/new', { v: 2 }),
        post('d-acl/new', { v: 3 }),
        get('d-acl/pre'),
        post('d-acl/prefixed', { v: 1 }),
        get('d-acl/prefix'),
        post('d-acl/prefix', { v: 1 }),
        post('d-acl/prefix', { v: 2 }),
        del('d-acl/prefix'),
        get('d-acl/a/%62/c'),
        get('d-acl/A/b/c'),
        get('d-acl/none?help=1', { shapeOnly: true }),
        get('sys/mounts'),
        get('auth/token/lookup-self'),
        get('no-such-mount/a'),
      ]),
    ],
  },
  {
    name: 'policies: bounds of wrapping, and templates',
    asks: [
      post('d-acl/wrapped', { v: 1 }),
      post('d-acl/both', { v: 1 }),
      write(
        'd-wrap',
        `path "d-acl/wrapped" { capabilities = ["read"] min_wrapping_ttl = "10s" max_wrapping_ttl = "60s" }
         path "d-acl/least" { capabilities = ["read"] min_wrapping_ttl = 10 }
         path "d-acl/most" { capabilities = ["read"] max_wrapping_ttl = 10 }
         path "d-acl/both" { capabilities = ["update"] max_wrapping_ttl = "60s" required_parameters = ["a"] }
         path "d-acl/{{identity.entity.name}}" { capabilities = ["read"] }
         path "d-acl/{{ identity.groups.names.x.id }}/*" { capabilities = ["read"] }
         path "d-acl/{{no.such.thing}}" { capabilities = ["read"] }
         path "d-acl/{one}" { capabilities = ["read"] }`,
      ),
      get('sys/policies/acl/d-wrap'),
      write('d-bad', 'path "d-acl/{{identity.entity.id" { capabilities = ["read"] }'),
      write('d-bad', 'path "d-acl/identity.entity.id}}" { capabilities = ["read"] }'),
      write('d-bad', 'path "d-acl/{{a}}b}}" { capabilities = ["read"] }'),
      tokenOf('d-wrap'),
      ...as('{limited}', [
        get('d-acl/wrapped'),
        get('d-acl/wrapped', { headers: { 'x-vault-wrap-ttl': '9' } }),
        get('d-acl/wrapped', { headers: { 'x-vault-wrap-ttl': '10' } }),
        get('d-acl/wrapped', { headers: { 'x-vault-wrap-ttl': '61' } }),
        get('d-acl/least'),
        get('d-acl/least', { headers: { 'x-vault-wrap-ttl': '1h' } }),
        get('d-acl/most'),
        get('d-acl/most', { headers: { 'x-vault-wrap-ttl': '1h' } }),
        post('d-acl/both', { a: '1' }),
        post('d-acl/both', { b: '1' }, { headers: { 'x-vault-wrap-ttl': '5' } }),
        get('d-acl/'),
        get('d-acl/x'),
        get('d-acl/{{identity.entity.name}}'),
        get('d-acl/{{no.such.thing}}'),
        get('d-acl/{one}'),
        post('sys/capabilities-self', {
          paths: ['d-acl/{{identity.entity.name}}', 'd-acl/', 'd-acl//x', 'd-acl/{one}', 'd-acl/wrapped'],
        }),
        get('sys/internal/ui/resultant-acl'),
      ]),
    ],
  },
  {
    name: 'policies: parameters',
    asks: [
      write(
        'd-par',
        `path "d-acl/allowed" { capabilities = ["create", "update", "read"] allowed_parameters = { "a" = ["1", "x*"] "b" = [] } }
         path "d-acl/denied" { capabilities = ["create", "update"] denied_parameters = { "a" = ["1"] "c" = [] } }
         path "d-acl/none" { capabilities = ["create", "update"] denied_parameters = { "*" = [] } }
         path "d-acl/star" { capabilities = ["create", "update"] allowed_parameters = { "*" = [] "a" = ["1"] } }
         path "d-acl/required" { capabilities = ["create", "update"] required_parameters = ["a", "b"] }
         path "d-acl/types" { capabilities = ["create", "update"] allowed_parameters = { "n" = [1, 2] "t" = [true] } }`,
      ),
      tokenOf('d-par'),
      ...as('{limited}', [
        post('d-acl/allowed', { a: '1' }),
        post('d-acl/allowed', { a: '2' }),
        post('d-acl/allowed', { a: 'xyz', b: 'anything' }),
        post('d-acl/allowed', { A: '1' }),
        post('d-acl/allowed', { c: '1' }),
        post('d-acl/allowed', {}),
        get('d-acl/allowed'),
        get('d-acl/allowed?c=1'),
        post('d-acl/denied', { a: '1' }),
        post('d-acl/denied', { a: '2' }),
        post('d-acl/denied', { c: '2' }),
        post('d-acl/denied', { d: '2' }),
        post('d-acl/none', { a: '1' }),
        post('d-acl/star', { a: '2' }),
        post('d-acl/star', { a: '1', z: 'anything' }),
        post('d-acl/required', { a: '1' }),
        post('d-acl/required', { a: '1', b: '2' }),
        post('d-acl/types', { n: 1 }),
        post('d-acl/types', { n: '1' }),
        post('d-acl/types', { n: 3 }),
        post('d-acl/types', { t: true }),
        post('d-acl/types', { t: 'true' }),
      ]),
    ],
  },
  {
    name: 'policies: sudo',
    asks: [
      write(
        'd-sudo',
        `path "sys/auth" { capabilities = ["read"] }
         path "sys/audit" { capabilities = ["read", "sudo"] }
         path "auth/token/accessors/" { capabilities = ["list", "sudo"] }
         path "sys/policies/acl/*" { capabilities = ["read", "list"] }
         path "sys/seal" { capabilities = ["update"] }
         path "sys/rotate" { capabilities = ["update"] }`,
      ),
      tokenOf('d-sudo'),
      ...as('{limited}', [
        get('sys/auth'),
        get('sys/audit'),
        list('auth/token/accessors', { shapeOnly: true }),
        list('sys/policies/acl'),
        get('sys/policies/acl/default', { shapeOnly: true }),
        put('sys/seal'),
        put('sys/rotate'),
      ]),
      write('d-star', 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'),
      tokenOf('d-star'),
      ...as('{limited}', [
        get('sys/auth', { shapeOnly: true }),
        list('d-acl/'),
        patch('d-acl/a', { v: 1 }),
        get('d-acl/a'),
      ]),
      ...['d-acl', 'd-par', 'd-sudo', 'd-star'].map((name) => del(`sys/policies/acl/${name}`)),
      ...as('{limited}', [get('d-acl/a')]),
      del('sys/mounts/d-acl'),
    ],
  },
  {
    name: 'capabilities',
    asks: [
      write(
        'd-cap',
        `path "d/a" { capabilities = ["update", "read", "create"] }
         path "d/l/" { capabilities = ["list"] }
         path "d/g/*" { capabilities = ["read", "sudo", "patch", "delete"] }
         path "d/g/no" { capabilities = ["deny"] }`,
      ),
      post(
        'auth/token/create',
        { policies: ['d-cap'] },
        { save: { c: 'auth.client_token', cAccessor: 'auth.accessor' } },
      ),
      post('sys/capabilities', { token: '{c}', paths: ['d/a'] }),
      post('sys/capabilities', { token: '{c}', path: 'd/a' }),
      post('sys/capabilities', {
        token: '{c}',
        paths: ['d/a', 'd/l/', 'd/l', 'd/g/x', 'd/g/no', 'd/none', '/d/a'],
      }),
      post('sys/capabilities', { token: '{c}', paths: 'd/a,d/l/' }),
      post('sys/capabilities', { token: 'root', paths: ['d/a'] }),
      post('sys/capabilities', { token: 'none', paths: ['d/a'] }),
      post('sys/capabilities', { paths: ['d/a'] }),
      post('sys/capabilities', { token: '{c}' }),
      post('sys/capabilities', { token: '{c}', paths: [] }),
      post('sys/capabilities-accessor', { accessor: '{cAccessor}', paths: ['d/g/x'] }),
      post('sys/capabilities-accessor', { accessor: 'none', paths: ['d/g/x'] }),
      post('sys/capabilities-accessor', { paths: ['d/g/x'] }),
      post('sys/capabilities-self', { paths: ['d/a'] }),
      post('sys/capabilities-self', {}),
      ...as('{c}', [
        post('sys/capabilities-self', { paths: ['d/a', 'sys/capabilities-self', 'cubbyhole/x'] }),
        post('sys/capabilities', { token: '{c}', paths: ['d/a'] }),
        get('sys/internal/ui/resultant-acl', { shapeOnly: true }),
      ]),
      get('sys/capabilities'),
      get('sys/internal/ui/resultant-acl'),
      del('sys/policies/acl/d-cap'),
    ],
  },
];
