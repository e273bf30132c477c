import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Audit, makeAudit } from '../../src/audit/audit.ts';
import type { AuditDevice } from '../../src/audit/device.ts';
import { makeFileDevice } from '../../src/audit/file-device.ts';
import type { AuditEntry } from '../../src/model/audit.ts';
import { CodedError } from '../../src/model/errors.ts';
import { RawJson } from '../../src/model/json.ts';
import { AUDIT_REPLIES_CHARS_MAX } from '../../src/model/limits.ts';
import { type Log, SILENT_LOG } from '../../src/model/log.ts';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('audit');

const ENTRY: AuditEntry = {
  auth: { clientToken: 'hvs.CANARY', tokenType: 'service' },
  request: {
    id: 'r1',
    operation: 'read',
    namespaceId: 'root',
    path: 'secret/data/a',
    data: { v: 'VALUE-CANARY' },
  },
};

function fileAt(path: string): AuditDevice {
  return makeFileDevice({ options: { file_path: path }, salt: randomUUID() });
}
function make(log: Log = SILENT_LOG): Audit {
  return makeAudit({ now: () => 0, log });
}
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** A device whose writes go as `write` says. */
function fake(write: () => Promise<void>): AuditDevice {
  return { ...fileAt('discard'), write };
}
const failing = () => fake(() => Promise.reject(new Error('no')));
const hanging = () => fake(() => new Promise(() => {}));
const refused = (error: unknown): boolean =>
  error instanceof CodedError &&
  error.status === 500 &&
  error.message === '1 error occurred:\n\t* internal error\n\n';

test('without a device every request passes', async () => {
  const audit = make();
  assert.equal(audit.isOn(), false);
  await audit.request(ENTRY);
  await audit.response(ENTRY, undefined);
});

test('both lines are in every file when the calls have resolved, each hashed under its own salt', async () => {
  const audit = make();
  const paths = [join(folder, 'a'), join(folder, 'b')];
  for (const path of paths) audit.add(path, fileAt(path));
  await audit.request(ENTRY);
  await audit.response(ENTRY, { data: { v: 'VALUE-CANARY' } }, 'went wrong');
  await audit.stop();
  const hashes = paths.map((path) => {
    const [request, response, ...rest] = linesOf(path);
    assert.deepEqual(rest, []);
    assert.deepEqual([request.type, response.type, response.error], ['request', 'response', 'went wrong']);
    assert.equal(response.request.data.v, response.response.data.v);
    assert.doesNotMatch(readFileSync(path, 'utf8'), /CANARY/);
    return response.request.data.v;
  });
  assert.notEqual(hashes[0], hashes[1]);
});

test('one device that works is enough, whichever fails or hangs beside it', async () => {
  for (const other of [failing, hanging]) {
    const audit = make();
    audit.add('bad/', other());
    audit.add('good/', fileAt('discard'));
    await audit.request(ENTRY);
    await audit.response(ENTRY, undefined);
  }
});

test('when all devices fail the request is refused with 500, and the text is that of Vault', async () => {
  const audit = make();
  audit.add('a/', failing());
  await assert.rejects(audit.request(ENTRY), refused);
  audit.add('b/', failing());
  await assert.rejects(audit.request(ENTRY), refused);
  await assert.rejects(audit.response(ENTRY, undefined), refused);
  await audit.remove('a/');
  await assert.rejects(audit.request(ENTRY), refused);
  await audit.remove('b/');
  await audit.request(ENTRY);
});

test('an entry that cannot be rendered is refused, not lost', async () => {
  const audit = make();
  audit.add('a/', fileAt('discard'));
  const broken = {
    ...ENTRY,
    get request(): never {
      throw new TypeError('no request');
    },
  };
  await assert.rejects(audit.request(broken), refused);
});

test('a failing device is logged once, and once more when it works again; no secret is in it', async () => {
  const logged: [string, string, unknown][] = [];
  const note = (level: string) => (message: string, fields?: unknown) =>
    void logged.push([level, message, fields]);
  const audit = make({ ...SILENT_LOG, error: note('error'), info: note('info') });
  const parent = join(folder, 'parent');
  const path = join(parent, 'log');
  audit.add('file/', fileAt(path));
  for (let i = 0; i < 3; i++) await assert.rejects(audit.request(ENTRY), refused);
  mkdirSync(parent);
  for (let i = 0; i < 3; i++) await audit.request(ENTRY);
  await audit.stop();
  assert.deepEqual(
    logged.map(([level]) => level),
    ['error', 'info'],
  );
  assert.doesNotMatch(JSON.stringify(logged), /CANARY/);
  assert.deepEqual(
    linesOf(path).map(({ type, missed }) => missed ?? type),
    ['request', 3, 'request', 'request'],
  );
});

test('reopening goes on where one device fails', async () => {
  const audit = make();
  const path = join(folder, 'reopened');
  audit.add('bad/', { ...failing(), reopen: () => Promise.reject(new Error('no')) });
  audit.add('good/', fileAt(path));
  await audit.request(ENTRY);
  rmSync(path);
  await audit.reopen();
  await audit.request(ENTRY);
  await audit.stop();
  assert.equal(linesOf(path).length, 1);
});

test('the probe writes the line that Vault writes, and a device that cannot take it is refused with 400', async () => {
  const audit = make();
  const path = join(folder, 'probed');
  const device = fileAt(path);
  await audit.probe(device, 'id-1');
  assert.deepEqual(linesOf(path), [
    {
      time: '1970-01-01T00:00:00Z',
      type: 'request',
      auth: { token_type: 'default' },
      request: { id: 'id-1', operation: 'update', namespace: { id: 'root' }, path: 'sys/audit/test' },
    },
  ]);
  await device.close();
  await assert.rejects(audit.probe(failing(), 'id'), { status: 400 });
  await assert.rejects(audit.probe(fileAt(join(folder, 'none', 'log')), 'id'), { status: 400 });
});

test('audit-hash answers what the log holds; an unknown device is 400', async () => {
  const audit = make();
  const path = join(folder, 'hashed');
  audit.add('file/', fileAt(path));
  await audit.request(ENTRY);
  assert.equal(linesOf(path)[0].request.data.v, audit.hash('file/', 'VALUE-CANARY'));
  assert.equal(linesOf(path)[0].auth.client_token, audit.hash('file/', 'hvs.CANARY'));
  assert.throws(() => audit.hash('x/', 'a'), { status: 400, message: 'unknown audit backend "x/"' });
  await audit.stop();
});

test('large entries are rendered one at a time, and small ones pass them', async () => {
  const audit = make();
  audit.add('file/', fileAt('discard'));
  const data = Array.from({ length: 50_000 }, (_, i) => `${i}`);
  const order: string[] = [];
  const large = [1, 2].map(async (n) => {
    await audit.request({ ...ENTRY, request: { ...ENTRY.request, data: { data } } });
    order.push(`large ${n}`);
  });
  const small = audit.request(ENTRY).then(() => order.push('small'));
  await Promise.all([...large, small]);
  assert.deepEqual(order, ['small', 'large 1', 'large 2']);
});

test('what is observed: each device, and all of them together', async () => {
  const seen: string[] = [];
  const audit = makeAudit({
    now: () => 0,
    log: SILENT_LOG,
    observe: (what, device, tookMs, failed) => {
      assert.ok(tookMs >= 0);
      seen.push(`${what} ${device ?? 'all'} ${failed}`);
    },
  });
  audit.add('a/', fileAt('discard'));
  await audit.request(ENTRY);
  await audit.remove('a/');
  audit.add('b/', failing());
  await assert.rejects(audit.response(ENTRY, undefined));
  assert.deepEqual(seen, [
    'log_request a/ false',
    'log_request all false',
    'log_response b/ true',
    'log_response all true',
  ]);
});

test('large replies that wait for the log are bounded together: one more is refused, and the device stays in use', async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  let lines = 0;
  const audit = make();
  const device = fake(async () => {
    lines++;
    await release;
  });
  audit.add('slow/', device);
  const reply = () => ({ data: new RawJson(`{"a":"${'x'.repeat(AUDIT_REPLIES_CHARS_MAX / 4)}"}`) });
  const waiting = [1, 2, 3].map(() => audit.response(ENTRY, reply()));
  // At once: one that waits would wait for ever here.
  const refusal = audit.response(ENTRY, reply()).catch((error: unknown) => error);
  const waits = new Promise((turn) => setImmediate(turn, 'waits'));
  assert.equal(((await Promise.race([refusal, waits])) as CodedError).code, 'overloaded');
  const small = audit.response(ENTRY, { data: { v: 'x' } });
  resolve();
  await Promise.all([...waiting, small]);
  // The refusal has a line of its own.
  assert.equal(lines, 5);
  await audit.response(ENTRY, reply());
});
