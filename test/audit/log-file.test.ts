/** Existing files that an audit device may go on with, and those that it must leave alone. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFileDevice } from '../../src/audit/file-device.ts';
import { CodedError } from '../../src/model/errors.ts';
import { AUDIT_LOOK_BYTES } from '../../src/model/limits.ts';
import { makeChainWorld, writeEntries } from '../support/audit-chain.ts';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('log-file');
let count = 0;
const fresh = (): string => join(folder, `log-${++count}`);

const device = (file_path: string, options: Record<string, string> = {}) =>
  makeFileDevice({ options: { file_path, ...options }, salt: 's' });
const isRefusal = (error: unknown): boolean =>
  error instanceof CodedError &&
  error.status === 400 &&
  /something else than an audit log/.test(error.message);

const TIME = '"time":"2026-11-01T00:00:00.123456789Z"';
const OURS = `{${TIME},"type":"request","auth":{},"request":{"id":"r"}}`;
const VAULTS = `{"auth":{"client_token":"hmac-sha256:0"},"request":{"id":"r"},"response":{},${TIME},"type":"response"}`;
const long = (before: string, after: string): string => before + 'x'.repeat(AUDIT_LOOK_BYTES) + after;
const LONG_OURS = long(`{${TIME},"type":"response","request":{"id":"`, '"}}');
const LONG_VAULTS = long('{"auth":{"display_name":"', `"},"request":{},${TIME},"type":"request"}`);

const LOGS: Record<string, string> = {
  'nothing yet': '',
  'an entry of ours': `${OURS}\n`,
  'an entry of Vault': `${VAULTS}\n`,
  'many entries': `${OURS}\n`.repeat(2_000),
  'an entry, and one that broke off': `${OURS}\n{"time":"20`,
  'the rest of one that broke off, and an entry': `"a":1}\n${VAULTS}\n`,
  'what a device missed': `{${TIME},"type":"missed","missed":3}\n`,
  'a first line that broke off at once': '{"ti',
  'a first line that broke off in its time': '{"time":"20',
  'a first line that broke off in its type': `{${TIME},"type":"che`,
  'a first checkpoint that broke off': `{${TIME},"type":"checkpoint","event":"start","sig`,
  'a first line whose length alone was kept': '\0'.repeat(4_096),
  'one very long entry of ours': `${LONG_OURS}\n`,
  'very long entries of Vault': `${LONG_VAULTS}\n${LONG_VAULTS}\n`,
};
for (const [what, content] of Object.entries(LOGS)) {
  test(`gone on with: ${what}`, async () => {
    const path = fresh();
    writeFileSync(path, content, { mode: 0o640 });
    const opened = device(path);
    await opened.open();
    await opened.write('{"n":1}');
    await opened.close();
    const text = readFileSync(path, 'utf8');
    assert(text.startsWith(content));
    assert(text.endsWith('\n{"n":1}\n') || text === '{"n":1}\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });
}

const OTHERS: Record<string, string | Buffer> = {
  'a list of users': 'root:x:0:0:root:/root:/bin/sh\n',
  'a script': '#!/bin/sh\necho\n',
  'a list of keys': 'ssh-ed25519 AAAA someone\n',
  'an empty line': '\n',
  'a settings file': '{"type":"request"}\n',
  'JSON over several lines': '{\n  "a": 1\n}\n',
  'a list in JSON': '[]\n',
  'nothing in JSON': 'null\n',
  'the log of something else': `{${TIME},"type":"request","url":"/"}\n{${TIME},"level":"info"}\n`,
  'an entry without an end and before it something else': `x\n${OURS}`,
  'what begins otherwise': '{"times":"20',
  'what goes on otherwise': `{${TIME},"kind":`,
  'another type': `{${TIME},"type":"secret","a":"`,
  'something with an entry in it': `a: ${OURS}\n`,
  'something with entries in the middle': `x\n${OURS}\ny\n`,
  'something long without lines': 'x'.repeat(3 * AUDIT_LOOK_BYTES),
  bytes: Buffer.alloc(3 * AUDIT_LOOK_BYTES),
};
for (const [what, content] of Object.entries(OTHERS)) {
  test(`refused, and left as it is: ${what}`, async () => {
    const path = fresh();
    writeFileSync(path, content);
    chmodSync(path, 0o644);
    const link = fresh();
    symlinkSync(path, link);
    for (const named of [path, link]) {
      for (const options of [{}, { mode: '0666' }, { mode: '0000' }] as Record<string, string>[]) {
        const refused = device(named, options);
        await assert.rejects(refused.open(), isRefusal);
        // Nor where it came to be without being tried, as on another node.
        await assert.rejects(refused.write('{}'), /something else than an audit log/);
        await refused.close();
      }
    }
    assert.deepEqual(readFileSync(path), Buffer.from(content));
    assert.equal(statSync(path).mode & 0o777, 0o644);
  });
}

test('another file under the name, after rotation: an empty one is taken, something else is not', async () => {
  const path = fresh();
  const opened = device(path);
  await opened.write('{"n":1}');
  // What is open is known: opened again it is the same log, whatever stands in it.
  await opened.reopen();
  await opened.write('{"n":2}');
  renameSync(path, `${path}.1`);
  writeFileSync(path, 'x\n');
  await assert.rejects(opened.reopen(), /something else/);
  await assert.rejects(opened.write('{"n":3}'), /something else/);
  writeFileSync(path, '');
  await opened.write('{"n":4}');
  await opened.close();
  assert.equal(readFileSync(path, 'utf8'), '{"n":4}\n');
  assert.equal(readFileSync(`${path}.1`, 'utf8'), '{"n":1}\n{"n":2}\n');
});

test('a log whose device leaves out what entries are known by is known by its chain', async () => {
  const world = makeChainWorld();
  const path = fresh();
  for (const chain of ['c', 'd']) {
    const opened = world.device(path, chain.repeat(16));
    await opened.open();
    await writeEntries(opened, 1);
    await opened.close();
  }
  const stripped = readFileSync(path, 'utf8').replace(/"time":"[^"]*","type":"[a-z]*",/g, '');
  writeFileSync(path, stripped);
  const opened = device(path);
  await opened.open();
  await opened.close();
});
