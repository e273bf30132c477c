import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { makeFormatter } from '../../src/audit/formatter.ts';
import { makeHasher } from '../../src/audit/hasher.ts';
import { auditedHeaders } from '../../src/audit/headers.ts';
import type { AuditAuth, AuditEntry, AuditRequest, AuditResponse } from '../../src/model/audit.ts';
import { type Encodable, JsonNumber, RawJson } from '../../src/model/json.ts';

const SALT = '9f5a1f6e-2c9b-4f0e-8f2e-3b1f0c6f9d11';
const AT_MS = Date.UTC(2026, 10, 22, 3, 44, 35, 620);
const PLAIN = { hmacAccessor: true, logRaw: false, elideListResponses: false };

/** Contract §17: the salt's text is the key. */
function hmac(text: string): string {
  return `hmac-sha256:${createHmac('sha256', SALT).update(text).digest('hex')}`;
}

const AUTH: AuditAuth = {
  clientToken: 'hvs.TOKEN-CANARY',
  accessor: 'ACCESSOR-CANARY',
  displayName: 'token',
  policies: ['app', 'default'],
  tokenPolicies: ['app', 'default'],
  policyResults: { allowed: true, grantingPolicies: [{ name: 'app', namespaceId: 'root', type: 'acl' }] },
  metadata: { b: '<2>', a: '1' },
  remainingUses: 4,
  tokenType: 'service',
  tokenTtl: 3600,
  tokenIssueTimeMs: Date.UTC(2026, 10, 22, 3, 44, 32, 999),
};
const REQUEST: AuditRequest = {
  id: '11111111-2222-4333-8444-555555555555',
  operation: 'update',
  mountPoint: 'secret/',
  mountType: 'kv',
  mountAccessor: 'kv_2de2c874',
  mountRunningVersion: 'v1.19.5+builtin.vault',
  mountClass: 'secret',
  clientToken: 'hvs.TOKEN-CANARY',
  clientTokenAccessor: 'ACCESSOR-CANARY',
  namespaceId: 'root',
  path: 'secret/data/a',
  data: new Map<string, Encodable>([
    ['options', new Map([['cas', new JsonNumber('0')]])],
    [
      'data',
      new Map<string, Encodable>([
        ['who', 'VALUE-CANARY'],
        ['t', '2020-01-01T00:00:00Z'],
      ]),
    ],
  ]),
  remoteAddress: '127.0.0.1',
  remotePort: 60176,
};
const ENTRY: AuditEntry = { auth: AUTH, request: REQUEST };

function lineOf(line: string | (() => Promise<string>)): string {
  assert.equal(typeof line, 'string');
  return line as string;
}
function requestLine(entry: AuditEntry, options = PLAIN, error?: string): string {
  return lineOf(makeFormatter(makeHasher(SALT), options).request(entry, AT_MS, error));
}
function responseLine(
  response: AuditResponse | undefined,
  entry = ENTRY,
  options = PLAIN,
  error?: string,
): string {
  return lineOf(makeFormatter(makeHasher(SALT), options).response(entry, response, AT_MS, error));
}

const TOKEN = hmac('hvs.TOKEN-CANARY');
const ACCESSOR = hmac('ACCESSOR-CANARY');
const AUTH_TEXT =
  `{"client_token":"${TOKEN}","accessor":"${ACCESSOR}","display_name":"token","policies":["app","default"],` +
  '"token_policies":["app","default"],"policy_results":{"allowed":true,"granting_policies":[{"name":"app",' +
  '"namespace_id":"root","type":"acl"}]},"metadata":{"a":"1","b":"\\u003c2\\u003e"},"remaining_uses":4,' +
  '"token_type":"service","token_ttl":3600,"token_issue_time":"2026-11-22T03:44:32Z"}';
const REQUEST_TEXT =
  '{"id":"11111111-2222-4333-8444-555555555555","operation":"update","mount_point":"secret/","mount_type":"kv",' +
  '"mount_accessor":"kv_2de2c874","mount_running_version":"v1.19.5+builtin.vault","mount_class":"secret",' +
  `"client_token":"${TOKEN}","client_token_accessor":"${ACCESSOR}","namespace":{"id":"root"},"path":"secret/data/a",` +
  `"data":{"data":{"t":"2020-01-01T00:00:00Z","who":"${hmac('VALUE-CANARY')}"},"options":{"cas":0}},` +
  '"remote_address":"127.0.0.1","remote_port":60176}';

test('a request line, byte for byte: names and order as a real server writes them', () => {
  assert.equal(
    requestLine(ENTRY),
    `{"time":"2026-11-22T03:44:35.62Z","type":"request","auth":${AUTH_TEXT},"request":${REQUEST_TEXT}}`,
  );
});

test('a response line repeats auth and request, then tells the reply and its mount', () => {
  const line = responseLine({
    leaseId: 'secret/data/a/abc',
    data: {
      version: 1,
      deletion_time: '',
      created_time: '2026-11-22T03:44:35.614803556Z',
      value: 'VALUE-CANARY',
    },
    warnings: ['look out'],
  });
  assert.equal(
    line,
    `{"time":"2026-11-22T03:44:35.62Z","type":"response","auth":${AUTH_TEXT},"request":${REQUEST_TEXT},"response":` +
      '{"mount_point":"secret/","mount_type":"kv","mount_accessor":"kv_2de2c874",' +
      '"mount_running_plugin_version":"v1.19.5+builtin.vault","mount_class":"secret",' +
      '"secret":{"lease_id":"secret/data/a/abc"},' +
      `"data":{"created_time":"2026-11-22T03:44:35.614803556Z","deletion_time":"${hmac('')}",` +
      `"value":"${hmac('VALUE-CANARY')}","version":1},"warnings":["look out"]}}`,
  );
});

test('the same text comes out when the formatter has kept the request part', () => {
  const formatter = makeFormatter(makeHasher(SALT), PLAIN);
  formatter.request(ENTRY, AT_MS);
  assert.equal(formatter.response(ENTRY, { data: { a: 'b' } }, AT_MS), responseLine({ data: { a: 'b' } }));
});

test('a request without a good token: type default, the token as sent hashed, the error in the clear', () => {
  const entry: AuditEntry = {
    auth: { tokenType: 'default' },
    request: {
      id: 'x',
      operation: 'read',
      clientToken: 'hvs.TOKEN-CANARY',
      namespaceId: 'root',
      path: 'secret/data/a',
    },
  };
  assert.equal(
    requestLine(entry, PLAIN, 'permission denied'),
    '{"time":"2026-11-22T03:44:35.62Z","type":"request","auth":{"token_type":"default"},"request":{"id":"x",' +
      `"operation":"read","client_token":"${TOKEN}","namespace":{"id":"root"},"path":"secret/data/a"},"error":"permission denied"}`,
  );
});

test('denied: policy_results.allowed is written though it is false', () => {
  const line = JSON.parse(requestLine({ ...ENTRY, auth: { ...AUTH, policyResults: { allowed: false } } }));
  assert.deepEqual(line.auth.policy_results, { allowed: false });
});

test('the tokens that a reply hands out are hashed, also those of a wrapped one', () => {
  const line = responseLine({
    auth: { clientToken: 'hvs.TOKEN-CANARY', accessor: 'ACCESSOR-CANARY', tokenType: 'service', numUses: 5 },
    wrapInfo: {
      ttl: 60,
      token: 'hvs.WRAP-CANARY',
      accessor: 'WRAPACC-CANARY',
      creationTime: '2026-11-22T03:44:35Z',
      creationPath: 'secret/data/a',
      wrappedAccessor: 'WRAPPED-CANARY',
    },
  });
  assert.doesNotMatch(line, /CANARY/);
  const { response } = JSON.parse(line);
  assert.equal(response.auth.client_token, TOKEN);
  assert.equal(response.auth.num_uses, 5);
  assert.deepEqual(response.wrap_info, {
    ttl: 60,
    token: hmac('hvs.WRAP-CANARY'),
    accessor: hmac('WRAPACC-CANARY'),
    creation_time: '2026-11-22T03:44:35Z',
    creation_path: 'secret/data/a',
    wrapped_accessor: hmac('WRAPPED-CANARY'),
  });
});

test('hmac_accessor=false shows accessors and nothing else', () => {
  const line = requestLine(ENTRY, { ...PLAIN, hmacAccessor: false });
  const { auth, request } = JSON.parse(line);
  assert.equal(auth.accessor, 'ACCESSOR-CANARY');
  assert.equal(request.client_token_accessor, 'ACCESSOR-CANARY');
  assert.doesNotMatch(line, /TOKEN-CANARY|VALUE-CANARY/);
});

test('log_raw shows all', () => {
  const { auth, request } = JSON.parse(requestLine(ENTRY, { ...PLAIN, logRaw: true }));
  assert.equal(auth.client_token, 'hvs.TOKEN-CANARY');
  assert.equal(auth.accessor, 'ACCESSOR-CANARY');
  assert.equal(request.data.data.who, 'VALUE-CANARY');
});

test('names that the mount exempts stay readable, in lists too, but not in objects under them', () => {
  const entry: AuditEntry = {
    auth: AUTH,
    request: {
      ...REQUEST,
      nonHmacRequestKeys: ['open'],
      nonHmacResponseKeys: ['shown'],
      data: { open: ['a', ['b']], shut: 'c', deep: { open: 'd' }, shown: 'e' },
    },
  };
  const { request, response } = JSON.parse(
    responseLine({ data: { shown: 'x', open: 'y', deep: { under: { shown: 'z' } } } }, entry),
  );
  assert.deepEqual(request.data, {
    open: ['a', ['b']],
    shut: hmac('c'),
    deep: { open: 'd' },
    shown: hmac('e'),
  });
  assert.deepEqual(response.data, { shown: 'x', open: hmac('y'), deep: { under: { shown: 'z' } } });
  const under = { ...entry, request: { ...entry.request, data: { open: { other: 'secret' } } } };
  assert.deepEqual(JSON.parse(requestLine(under)).request.data, { open: { other: hmac('secret') } });
});

test('a reply that is shown again is told as each device and each mount would have it told the first time', () => {
  const data = new RawJson('{"data":{"who":"VALUE-CANARY"}}');
  const devices = [
    { formatter: makeFormatter(makeHasher(SALT), PLAIN), shown: hmac('VALUE-CANARY') },
    { formatter: makeFormatter(makeHasher(SALT), { ...PLAIN, logRaw: true }), shown: 'VALUE-CANARY' },
  ];
  const exempting = { ...ENTRY, request: { ...REQUEST, nonHmacResponseKeys: ['who'] } };
  for (let time = 0; time < 2; time++) {
    for (const { formatter, shown } of devices) {
      for (const [entry, who] of [
        [ENTRY, shown],
        [exempting, 'VALUE-CANARY'],
      ] as const) {
        const { response } = JSON.parse(lineOf(formatter.response(entry, { data }, AT_MS)));
        assert.deepEqual(response.data, { data: { who } });
      }
    }
  }
});

test('elide_list_responses counts keys and key_info of lists, and leaves other replies alone', () => {
  const options = { ...PLAIN, elideListResponses: true };
  const list: AuditEntry = { auth: AUTH, request: { ...REQUEST, operation: 'list' } };
  const data = { keys: ['a', 'b'], key_info: { a: { n: 1 }, b: { n: 2 } }, other: 'x' };
  for (const reply of [data, new Map(Object.entries(data)), new RawJson(JSON.stringify(data))]) {
    const { response } = JSON.parse(responseLine({ data: reply as never }, list, options));
    assert.deepEqual(response.data, { keys: 2, key_info: 2, other: hmac('x') });
  }
  const read = JSON.parse(responseLine({ data }, ENTRY, options));
  assert.deepEqual(read.response.data.keys, [hmac('a'), hmac('b')]);
  const unchanged = JSON.parse(responseLine({ data }, list));
  assert.deepEqual(unchanged.response.data.keys, [hmac('a'), hmac('b')]);
});

test('headers: only the configured ones, hashed where that is said', () => {
  const configured = new Map([
    ['x-forwarded-for', { hmac: false }],
    ['x-secret', { hmac: true }],
    ['x-absent', { hmac: false }],
  ]);
  const sent = new Map([
    ['x-forwarded-for', ['10.0.0.1', '10.0.0.2']],
    ['x-secret', ['HEADER-CANARY']],
    ['cookie', ['COOKIE-CANARY']],
  ]);
  const headers = auditedHeaders(configured, (name) => sent.get(name));
  const entry = { auth: AUTH, request: { ...REQUEST, headers } };
  // What an operator wants hashed is hashed in a log that is raw, too.
  for (const options of [PLAIN, { ...PLAIN, logRaw: true }]) {
    const { request } = JSON.parse(requestLine(entry, options));
    assert.deepEqual(request.headers, {
      'x-forwarded-for': ['10.0.0.1', '10.0.0.2'],
      'x-secret': [hmac('HEADER-CANARY')],
    });
  }
  assert.equal(
    auditedHeaders(new Map(), (name) => sent.get(name)),
    undefined,
  );
});

test('a mount that was made anew under the same path is told as it is now', () => {
  const formatter = makeFormatter(makeHasher(SALT), PLAIN);
  formatter.request(ENTRY, AT_MS);
  const anew: AuditEntry = { auth: AUTH, request: { ...REQUEST, mountAccessor: 'kv_00000000' } };
  assert.match(lineOf(formatter.request(anew, AT_MS)), /"mount_accessor":"kv_00000000"/);
});

test('large data is written in slices, to the same text as small data', async () => {
  const data = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`k${i}`, `VALUE-CANARY ${i}`]));
  const entry: AuditEntry = { auth: AUTH, request: { ...REQUEST, data: { ...data, nul: '\0' } } };
  const formatter = makeFormatter(makeHasher(SALT), PLAIN);
  const [request, response] = [
    formatter.request(entry, AT_MS),
    formatter.response(entry, { data }, AT_MS, 'e'),
  ];
  assert.ok(typeof request === 'function' && typeof response === 'function');
  const line = JSON.parse(await response());
  assert.deepEqual(JSON.parse(await request()).request, line.request);
  assert.equal(line.request.data.k2999, hmac('VALUE-CANARY 2999'));
  assert.equal(line.request.data.nul, hmac('\0'));
  assert.equal(line.response.data.k0, hmac('VALUE-CANARY 0'));
  assert.equal(line.error, 'e');
});

test('hashes that are kept stay right when many others push them out', () => {
  const hasher = makeHasher(SALT);
  for (let i = 0; i < 45_000; i++) hasher.hashKept(`token ${i}`);
  for (const i of [0, 22_000, 44_999]) assert.equal(hasher.hashKept(`token ${i}`), hmac(`token ${i}`));
  assert.equal(hasher.hashKept('x'.repeat(10_000)), hmac('x'.repeat(10_000)));
});
