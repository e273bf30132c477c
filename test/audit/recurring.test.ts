/**
 * What a formatter keeps from one request for the next shows in no line: each is the one that a formatter without a past writes.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Formatter, makeFormatter } from '../../src/audit/formatter.ts';
import { makeHasher } from '../../src/audit/hasher.ts';
import type { FormatOptions } from '../../src/audit/options.ts';
import type { AuditAuth, AuditEntry, AuditRequest, AuditResponse } from '../../src/model/audit.ts';
import { RawJson } from '../../src/model/json.ts';

const AT_MS = Date.UTC(2026, 10, 22, 3, 44, 35, 620);
const DEVICES: [string, FormatOptions][] = [
  ['9f5a1f6e-2c9b-4f0e-8f2e-3b1f0c6f9d11', { hmacAccessor: true, logRaw: false, elideListResponses: false }],
  ['00000000-2c9b-4f0e-8f2e-3b1f0c6f9d11', { hmacAccessor: true, logRaw: false, elideListResponses: false }],
  ['9f5a1f6e-2c9b-4f0e-8f2e-3b1f0c6f9d11', { hmacAccessor: false, logRaw: false, elideListResponses: true }],
  ['9f5a1f6e-2c9b-4f0e-8f2e-3b1f0c6f9d11', { hmacAccessor: true, logRaw: true, elideListResponses: false }],
];
const device = (at: number): Formatter => makeFormatter(makeHasher(DEVICES[at]![0]), DEVICES[at]![1]);

const AUTHS: AuditAuth[] = ['A', 'B'].map((name) => ({
  clientToken: `hvs.TOKEN-${name}`,
  accessor: `ACCESSOR-${name}`,
  policies: ['app'],
  policyResults: { allowed: true, grantingPolicies: [{ name: 'app', namespaceId: 'root', type: 'acl' }] },
  tokenType: 'service',
}));
const DATA = ['{"keys":["CANARY-1","x"]}', '{"value":"CANARY-2"}'].map((text) => new RawJson(text));

const values: { readonly [name in keyof AuditRequest]?: readonly AuditRequest[name][] } = {
  id: ['1', '2'],
  clientId: [undefined, 'id'],
  operation: ['read', 'list'],
  mountPoint: [undefined, 'secret/', 'other/'],
  mountType: ['kv', 'transit'],
  mountAccessor: ['kv_1', 'kv_2'],
  mountRunningVersion: ['v1', 'v2'],
  mountClass: ['secret', 'auth'],
  clientToken: [undefined, 'hvs.TOKEN-A', 'hvs.TOKEN-B'],
  clientTokenAccessor: [undefined, '', 'ACCESSOR-A', 'ACCESSOR-B'],
  namespaceId: ['root', 'abc'],
  namespacePath: [undefined, 'team/'],
  path: ['secret/data/a', 'secret/data/ü'],
  data: [undefined, DATA[1]],
  nonHmacResponseKeys: [undefined, ['value']],
};
const FIRST = Object.fromEntries(
  Object.entries(values).map(([name, all]) => [name, all.at(-1)]),
) as unknown as AuditRequest;
/** One request differs from the one before in one thing: what is kept is kept for as long as nothing of it does. */
const change = fc
  .constantFrom(...Object.entries(values))
  .chain(([name, all]) => fc.constantFrom(...all.map((value: unknown) => ({ [name]: value }))));
/** `auth` and `data` say which: they are the same objects each time. */
const rounds = fc.record({ auth: fc.constantFrom(0, 0, 1), data: fc.constantFrom(0, 1), change });

test('whatever was asked before, by whomever, of whichever device: lines are those of a formatter without a past', () => {
  const known = DEVICES.map((_, at) => device(at));
  fc.assert(
    fc.property(fc.array(rounds, { minLength: 8, maxLength: 24 }), (asked) => {
      let request = FIRST;
      for (const { auth, data, change } of asked) {
        request = { ...request, ...change };
        const entry: AuditEntry = { auth: AUTHS[auth]!, request };
        const response: AuditResponse = { auth: AUTHS[1 - auth]!, data: DATA[data]! };
        for (const [at, formatter] of known.entries()) {
          // Of new objects nothing is kept.
          const anew: AuditEntry = { auth: strip(AUTHS[auth]!), request };
          const told: AuditResponse = { auth: strip(AUTHS[1 - auth]!), data: new RawJson(DATA[data]!.text) };
          assert.equal(formatter.request(entry, AT_MS), device(at).request(anew, AT_MS));
          assert.equal(formatter.response(entry, response, AT_MS), device(at).response(anew, told, AT_MS));
        }
      }
    }),
    { numRuns: 30 },
  );
});

/** Without what formatters left on it. */
function strip(auth: AuditAuth): AuditAuth {
  return Object.fromEntries(Object.entries(auth)) as AuditAuth;
}

test('of a request nothing is kept with its caller but what lines of other requests say too', () => {
  const auth = strip(AUTHS[0]!);
  const request: AuditRequest = {
    id: 'ID-CANARY',
    operation: 'read',
    clientToken: 'hvs.TOKEN-A',
    namespaceId: 'root',
    path: 'PATH-CANARY',
    requestUri: '/v1/PATH-CANARY',
    data: new Map([['a', 'DATA-CANARY']]),
    headers: [{ name: 'h', values: ['HEADER-CANARY'], hmac: false }],
  };
  device(0).request({ auth, request }, AT_MS);
  const kept = Object.getOwnPropertySymbols(auth).map((slot) => (auth as { [slot: symbol]: unknown })[slot]);
  assert(kept.length > 0);
  assert.doesNotMatch(JSON.stringify(kept), /(ID|PATH|DATA|HEADER)-CANARY/);
  assert(!kept.some((one) => one === request || (one as { of?: unknown }).of === request));
});
