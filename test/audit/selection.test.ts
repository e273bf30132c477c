/** Filters, the fallback device, exclusions, and what a device says that missed entries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAudit } from '../../src/audit/audit.ts';
import type { AuditDevice } from '../../src/audit/device.ts';
import { makeFileDevice } from '../../src/audit/file-device.ts';
import { parseExclusions } from '../../src/audit/selection.ts';
import type { AuditEntry } from '../../src/model/audit.ts';
import { CodedError } from '../../src/model/errors.ts';
import { SILENT_LOG } from '../../src/model/log.ts';

const entry = (mountType: string, operation: 'read' | 'update' = 'read'): AuditEntry => ({
  auth: { clientToken: 'hvs.x', entityId: 'e1', tokenType: 'service' },
  request: {
    id: 'r1',
    operation,
    mountType,
    mountPoint: `${mountType}/`,
    namespaceId: 'root',
    path: `${mountType}/a`,
    data: { n: 12345678901234567890n.toString(), v: 'secret' },
  },
});

type Lines = Record<string, unknown>[];

/** A device that keeps what it is given. */
function keeping(options: Record<string, string>): { device: AuditDevice; lines: Lines } {
  const lines: Lines = [];
  const made = makeFileDevice({ options: { file_path: 'discard', ...options }, salt: 'salt' });
  const write = async (line: string): Promise<void> => void lines.push(JSON.parse(line));
  return { device: { ...made, write }, lines };
}

function audited(devices: Record<string, Record<string, string>>) {
  const audit = makeAudit({ now: () => 0, log: SILENT_LOG });
  const lines: Record<string, Lines> = {};
  for (const [name, options] of Object.entries(devices)) {
    const made = keeping(options);
    audit.add(`${name}/`, made.device);
    lines[name] = made.lines;
  }
  return { audit, lines };
}

test('a filter lets through what it names, requests and replies; a device without one takes all', async () => {
  const { audit, lines } = audited({ all: {}, kv: { filter: 'mount_type == "kv"' } });
  for (const type of ['kv', 'pki']) {
    await audit.request(entry(type));
    await audit.response(entry(type), { data: { a: 'b' } });
  }
  assert.equal(lines.all!.length, 4);
  assert.deepEqual(
    lines.kv!.map(({ type }) => type),
    ['request', 'response'],
  );
});

test('every property of a filter', async () => {
  const { audit, lines } = audited({
    a: { filter: 'mount_point == "kv/" and namespace is empty and operation == read and path == "kv/a"' },
  });
  await audit.request(entry('kv'));
  await audit.request(entry('kv', 'update'));
  assert.equal(lines.a!.length, 1);
});

test('a fallback device takes what no filter does, also beside one that takes all', async () => {
  const { audit, lines } = audited({
    all: {},
    kv: { filter: 'mount_type == kv' },
    rest: { fallback: 'true' },
  });
  await audit.request(entry('kv'));
  await audit.request(entry('pki'));
  assert.deepEqual([lines.all!.length, lines.kv!.length, lines.rest!.length], [2, 1, 1]);
});

test('what filters leave over, and no fallback device takes, passes; a device that should take it and fails refuses', async () => {
  const { audit, lines } = audited({ kv: { filter: 'mount_type == kv' } });
  await audit.request(entry('pki'));
  assert.equal(lines.kv!.length, 0);
  audit.devices.get('kv/')!.write = () => Promise.reject(new Error('no'));
  await audit.request(entry('pki'));
  await assert.rejects(audit.request(entry('kv')), CodedError);
});

test('exclusions: with and without a condition, judged by the whole line', async () => {
  const exclude = JSON.stringify([
    { fields: ['/response/data', '/auth/entity_id'] },
    { condition: '"/request/mount_type" == transit', fields: ['/request/data'] },
    {
      condition: '"/auth/entity_id" == e1 and "/auth/client_token" matches "hmac.+"',
      fields: ['/auth/client_token'],
    },
  ]);
  const { audit, lines } = audited({ a: { exclude } });
  for (const type of ['kv', 'transit'])
    await audit.response(entry(type), { data: { a: 'b' }, warnings: ['w'] });
  const [kv, transit] = lines.a as { auth: object; request: { data?: object }; response: object }[];
  assert.deepEqual(kv!.auth, { token_type: 'service' });
  assert.notEqual(kv!.request.data, undefined);
  assert.deepEqual(kv!.response, { mount_point: 'kv/', mount_type: 'kv', warnings: ['w'] });
  assert.equal(transit!.request.data, undefined);
});

test('numbers keep their digits where fields are left out', async () => {
  const written: string[] = [];
  const exclude = '[{"fields":["/error"]}]';
  const made = makeFileDevice({ options: { file_path: 'discard', exclude, log_raw: 'true' }, salt: 's' });
  const { RawJson } = await import('../../src/model/json.ts');
  const line = made.formatter.request(
    {
      ...entry('kv'),
      request: { ...entry('kv').request, data: new RawJson('{"n":12345678901234567890,"f":1.50}') },
    },
    0,
    'wrong',
  );
  written.push(typeof line === 'string' ? line : await line());
  assert.match(written[0]!, /"data":\{"f":1\.50,"n":12345678901234567890\}/);
  assert.doesNotMatch(written[0]!, /wrong/);
});

for (const [text, why] of [
  ['x', /no JSON/],
  ['{}', /no list/],
  ['[1]', /no object/],
  ['[{}]', /names no fields/],
  ['[{"fields":[]}]', /names no fields/],
  ['[{"fields":["a"]}]', /no JSON pointer/],
  ['[{"fields":["/"]}]', /no JSON pointer/],
  ['[{"fields":["/type"]}]', /cannot be left out/],
  ['[{"fields":["/a"],"when":"x"}]', /another member/],
  ['[{"fields":["/a"],"condition":1}]', /condition is no text/],
  ['[{"fields":["/a"],"condition":"="}]', /not valid/],
] as const) {
  test(`exclude refused: ${text}`, () => {
    assert.throws(
      () => parseExclusions(text),
      (error) => error instanceof CodedError && error.status === 400 && why.test(error.message),
    );
  });
}

test('a filter that is wrong is refused, and one on the fallback device', () => {
  for (const options of [
    { filter: 'x' },
    { filter: 'client_token == x' },
    { filter: 'path == a', fallback: 'true' },
    { fallback: 'perhaps' },
  ])
    assert.throws(() => keeping(options as unknown as Record<string, string>), { status: 400 });
});

test('a device that failed says how many entries it missed, in the log and in its own lines', async () => {
  const said: [string, unknown][] = [];
  const audit = makeAudit({
    now: () => 0,
    log: { ...SILENT_LOG, info: (text, fields) => void said.push([text, fields]) },
  });
  const bad = keeping({});
  const { write } = bad.device;
  audit.add('bad/', bad.device);
  audit.add('good/', keeping({}).device);
  bad.device.write = () => Promise.reject(new Error('no'));
  for (let n = 0; n < 5; n++) await audit.request(entry('kv'));
  bad.device.write = write;
  await audit.request(entry('kv'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(said, [['the audit device works again', { device: 'bad/', missed: 5 }]]);
  assert.deepEqual(bad.lines.at(-1), { time: '1970-01-01T00:00:00Z', type: 'missed', missed: 5 });
});

test('for a device whose queue is full no line is made', async () => {
  const audit = makeAudit({ now: () => 0, log: SILENT_LOG });
  const full = keeping({});
  let made = 0;
  const counting = {
    request: () => {
      made++;
      return '{}';
    },
    response: () => '{}',
  };
  audit.add('full/', { ...full.device, isFull: () => true, formatter: counting });
  const good = keeping({});
  audit.add('good/', good.device);
  await audit.request(entry('kv'));
  assert.deepEqual([made, good.lines.length], [0, 1]);
  await audit.remove('good/');
  await assert.rejects(audit.request(entry('kv')), CodedError);
});
