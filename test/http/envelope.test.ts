/**
 * Replies to the byte (contract §1.4 to §1.6).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Encoded, encodeReply, replyToError } from '../../src/http/envelope.ts';
import { makeHeaderTable } from '../../src/http/response-headers.ts';
import { badRequest, CodedError } from '../../src/model/errors.ts';
import { JsonNumber, RawJson } from '../../src/model/json.ts';
import type { LogicalReply } from '../../src/model/request.ts';

function enveloped(reply: LogicalReply, status = 200): Encoded {
  return encodeReply({ kind: 'envelope', status, requestId: 'id', mountType: 'kv', reply });
}

test('the envelope: every key, in order, one newline at the end', () => {
  const { status, contentType, body } = enveloped({
    data: {
      b: 1,
      a: new Map([
        ['z', new JsonNumber('1.0')],
        ['<', null],
      ] as const),
    },
    leaseId: 'secret/x/1',
    leaseDuration: 2764800,
    renewable: true,
    warnings: ['w'],
  });
  assert.equal(status, 200);
  assert.equal(contentType, 'application/json');
  assert.equal(
    body,
    '{"request_id":"id","lease_id":"secret/x/1","renewable":true,"lease_duration":2764800,' +
      '"data":{"a":{"\\u003c":null,"z":1.0},"b":1},"wrap_info":null,"warnings":["w"],"auth":null,"mount_type":"kv"}\n',
  );
});

test('absent parts are null or zero, never left out', () => {
  const empty =
    '{"request_id":"id","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":null,' +
    '"warnings":null,"auth":null,"mount_type":"kv"}\n';
  assert.equal(enveloped({}).body, empty);
  assert.equal(enveloped({ data: null, warnings: [] }).body, empty);
});

test('injected members stand before the envelope and in data, sorted; nothing to inject adds nothing', () => {
  assert.match(
    enveloped({ data: { 'b/': 1, 'a/': 2 }, inject: true }).body as string,
    /^\{"a\/":2,"b\/":1,"request_id":.*"data":\{"a\/":2,"b\/":1\},/,
  );
  assert.match(
    enveloped({ data: new RawJson('{"k":[]}'), inject: true }).body as string,
    /^\{"k":\[\],"request_id":.*"data":\{"k":\[\]\},/,
  );
  for (const data of [{}, null, undefined])
    assert.match(enveloped({ data, inject: true }).body as string, /^\{"request_id"/);
});

test('the auth block: Vault’s order whatever the handler’s; empty policy lists left out; metadata sorted', () => {
  const auth = {
    num_uses: 0,
    mfa_requirement: null,
    orphan: true,
    token_type: 'service' as const,
    entity_id: '',
    renewable: true,
    lease_duration: 60,
    metadata: { b: '2', a: '1' },
    identity_policies: [],
    token_policies: ['default'],
    policies: ['default'],
    accessor: 'acc',
    client_token: 'tok',
  };
  assert.match(
    enveloped({ auth }).body as string,
    /"auth":\{"client_token":"tok","accessor":"acc","policies":\["default"\],"token_policies":\["default"\],"metadata":\{"a":"1","b":"2"\},"lease_duration":60,"renewable":true,"entity_id":"","token_type":"service","orphan":true,"mfa_requirement":null,"num_uses":0\},"mount_type"/,
  );
  assert.match(enveloped({ auth: { ...auth, metadata: null } }).body as string, /"metadata":null/);
});

test('bare values keep their order and get no envelope', () => {
  const { body } = encodeReply({ kind: 'bare', status: 200, value: { type: 'shamir', initialized: true } });
  assert.equal(body, '{"type":"shamir","initialized":true}\n');
});

test('errors: the list may be empty, data stands beside it, Retry-After in whole seconds', () => {
  assert.equal(encodeReply({ kind: 'error', status: 404, errors: [] }).body, '{"errors":[]}\n');
  const error = encodeReply({
    kind: 'error',
    status: 503,
    errors: ['a "<b>"'],
    data: { k: 1 },
    retryAfterSeconds: 0.2,
  });
  assert.equal(error.body, '{"errors":["a \\"\\u003cb\\u003e\\""],"data":{"k":1}}\n');
  assert.deepEqual(error.headers, ['Retry-After', '1']);
});

test('nothing: JSON’s content type and no body', () => {
  assert.deepEqual(encodeReply({ kind: 'empty', status: 204 }), {
    status: 204,
    contentType: 'application/json',
    body: undefined,
  });
});

test('raw replies go out as they are', () => {
  const raw = {
    kind: 'raw',
    status: 201,
    contentType: 'text/plain',
    body: 'x',
    headers: { 'Cache-Control': 'max-age=1' },
  } as const;
  assert.deepEqual(encodeReply(raw), {
    status: 201,
    contentType: 'text/plain',
    body: 'x',
    headers: ['Cache-Control', 'max-age=1'],
  });
});

test('an error with a code says what it says; one without says nothing', () => {
  assert.deepEqual(
    encodeReply(replyToError(badRequest('why', { data: { at: 1 } }))).body,
    '{"errors":["why"],"data":{"at":1}}\n',
  );
  const overloaded = encodeReply(replyToError(new CodedError('overloaded')));
  assert.equal(overloaded.status, 503);
  assert.deepEqual(overloaded.headers, ['Retry-After', '1']);
  const bug = encodeReply(replyToError(new TypeError('canary')));
  assert.equal(bug.status, 500);
  assert.equal(bug.body, '{"errors":["1 error occurred:\\n\\t* internal error\\n\\n"]}\n');
});

test('every reply says no-store; on TLS, HSTS too', () => {
  assert.deepEqual(makeHeaderTable(false)(200), ['Cache-Control', 'no-store']);
  const secure = [
    'Cache-Control',
    'no-store',
    'Strict-Transport-Security',
    'max-age=31536000; includeSubDomains',
  ];
  assert.deepEqual(makeHeaderTable(true)(404), secure);
});

test('custom headers: the status stands above its class, the class above the default; values joined by "; "', () => {
  const table = makeHeaderTable(true, {
    default: { 'X-A': ['d'], 'X-B': ['d1', 'd2'], 'strict-transport-security': ['max-age=1'] },
    '4xx': { 'x-a': ['c'] },
    '404': { 'X-A': ['s'] },
  });
  const headers = (status: number) =>
    new Headers(
      Array.from(
        { length: table(status).length / 2 },
        (_, i) => table(status).slice(2 * i, 2 * i + 2) as [string, string],
      ),
    );
  assert.deepEqual(
    [200, 400, 404].map((status) => headers(status).get('x-a')),
    ['d', 'c', 's'],
  );
  assert.equal(headers(200).get('x-b'), 'd1; d2');
  assert.equal(headers(200).get('strict-transport-security'), 'max-age=1');
  assert.equal(table(200), table(200));
});

test('custom headers that would break a reply, or stand for Vault’s own, are refused', () => {
  for (const name of ['Content-Length', 'transfer-encoding', 'X-Vault-Token', 'a b', '', 'x:y']) {
    assert.throws(() => makeHeaderTable(false, { default: { [name]: ['v'] } }), CodedError, name);
  }
  assert.throws(() => makeHeaderTable(false, { default: { 'X-A': ['a\r\nSet-Cookie: b'] } }), CodedError);
  for (const key of ['6xx', '20', 'all'])
    assert.throws(() => makeHeaderTable(false, { [key]: {} }), CodedError);
});
