import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { AuditDevice } from '../../src/audit/device.ts';
import { makeFileDevice } from '../../src/audit/file-device.ts';
import { CodedError } from '../../src/model/errors.ts';
import { missing, notOnThisPlatform } from '../support/missing.ts';
import { testFolder } from '../support/test-folder.ts';

const SALT = '9f5a1f6e-2c9b-4f0e-8f2e-3b1f0c6f9d11';
const folder = testFolder('audit');
after(() => {
  if (small) execFileSync('umount', [small]);
});
let count = 0;
const fresh = (): string => join(folder, `log-${++count}`);

function deviceAt(
  file_path: string,
  options: Record<string, string> = {},
  forbiddenFolders: string[] = [],
): AuditDevice {
  return makeFileDevice({ options: { file_path, ...options }, salt: SALT, forbiddenFolders });
}
const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

function refusal(text: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof CodedError && error.status === 400 && text.test(error.message);
}

test('a new file is 0600 whatever the umask; lines are appended to what is there', async () => {
  const path = fresh();
  const old = '{"time":"2026-11-01T00:00:00Z","type":"request","request":{"id":"1"}}';
  writeFileSync(path, `${old}\n`, { mode: 0o644 });
  const before = process.umask(0o777);
  const created = fresh();
  try {
    for (const file of [path, created]) {
      const device = deviceAt(file);
      await device.open();
      await device.write('{"a":1}');
      await device.close();
      assert.equal(modeOf(file), 0o600);
    }
  } finally {
    process.umask(before);
  }
  assert.deepEqual(linesOf(path), [old, '{"a":1}']);
  assert.deepEqual(linesOf(created), ['{"a":1}']);
});

test('mode is given to the file; 0000 leaves it as it is, and wants it to be there', async () => {
  const path = fresh();
  const shared = deviceAt(path, { mode: '0640' });
  await shared.open();
  await shared.close();
  assert.equal(modeOf(path), 0o640);
  chmodSync(path, 0o620);
  const kept = deviceAt(path, { mode: '0000' });
  await kept.open();
  await kept.close();
  assert.equal(modeOf(path), 0o620);
  await assert.rejects(deviceAt(fresh(), { mode: '0000' }).open(), refusal(/no such file/));
});

test('a line that broke off is not continued', async () => {
  const path = fresh();
  const whole = '{"time":"2026-11-01T00:00:00Z","type":"request","request":{}}';
  writeFileSync(path, `${whole}\n{"torn":`);
  const device = deviceAt(path);
  await device.write('{"next":1}');
  await device.close();
  assert.deepEqual(linesOf(path), [whole, '{"torn":', '{"next":1}']);
});

test('a thousand lines at once arrive whole and in order', async () => {
  const path = fresh();
  const device = deviceAt(path);
  const wanted = Array.from({ length: 1_000 }, (_, i) => `{"n":${i},"é":"${'x'.repeat(i)}"}`);
  await Promise.all(wanted.map((line) => device.write(line)));
  assert.deepEqual(linesOf(path), wanted);
  await device.close();
});

const program = join(folder, 'program');
writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
const pipe = join(folder, 'pipe');
execFileSync('mkfifo', [pipe]);
const data = join(folder, 'data');
mkdirSync(data);
symlinkSync(data, join(folder, 'link'));
symlinkSync(join(data, 'data.mdb'), join(folder, 'link-to-file'));
writeFileSync(join(data, 'data.mdb'), '');
const REFUSED: [string, string, RegExp][] = [
  [
    'a folder that is not there',
    join(folder, 'none', 'log'),
    /unable to open ".*" for writing: no such file/,
  ],
  ['a folder', folder, /is a directory|illegal operation/],
  ['a named pipe, at once and not when somebody reads it', pipe, /./],
  ['a program', program, /can be executed/],
  ["the server's own data", join(data, 'data.mdb'), /holds the data of the server/],
  [
    "the server's own data, through a linked folder",
    join(folder, 'link', 'new.log'),
    /holds the data of the server/,
  ],
  ["the server's own data, through a link", join(folder, 'link-to-file'), /holds the data of the server/],
];
for (const [what, path, text] of REFUSED) {
  test(`refused with 400: ${what}`, async () => {
    await assert.rejects(deviceAt(path, {}, [data]).open(), refusal(text));
  });
}

test('reopened after it was moved away, it writes to a new file under the old name', async () => {
  const path = fresh();
  const device = deviceAt(path);
  await device.write('{"n":1}');
  renameSync(path, `${path}.1`);
  await device.write('{"n":2}');
  await device.reopen();
  await device.write('{"n":3}');
  await device.close();
  assert.deepEqual(linesOf(`${path}.1`), ['{"n":1}', '{"n":2}']);
  assert.deepEqual(linesOf(path), ['{"n":3}']);
  assert.equal(modeOf(path), 0o600);
});

test('a file that was removed is made again by itself', async () => {
  const path = fresh();
  const device = deviceAt(path);
  await device.write('{"n":0}');
  rmSync(path);
  const deadline = performance.now() + 10_000;
  let n = 0;
  while (!existsSync(path) && performance.now() < deadline) await device.write(`{"n":${++n}}`);
  await device.write('{"last":1}');
  await device.close();
  assert.deepEqual(linesOf(path), [`{"n":${n}}`, '{"last":1}']);
});

test('with its folder gone it fails, and works again when the folder is back', async () => {
  const parent = join(folder, 'parent');
  mkdirSync(parent);
  const path = join(parent, 'log');
  const device = deviceAt(path);
  await device.write('{"n":1}');
  rmSync(parent, { recursive: true });
  await assert.rejects(device.reopen());
  await assert.rejects(device.write('{"n":2}'), { code: 'ENOENT' });
  mkdirSync(parent);
  await device.write('{"n":3}');
  await device.close();
  assert.deepEqual(linesOf(path), ['{"n":3}']);
});

const full = existsSync('/dev/full') ? false : notOnThisPlatform('/dev/full is of Linux');
test('a device that is full refuses the line', { skip: full }, async () => {
  const device = deviceAt('/dev/full');
  await device.open();
  await assert.rejects(device.write('{"n":1}'), { code: 'ENOSPC' });
  await device.close();
});

function mountSmall(): string | undefined {
  const point = join(folder, 'small');
  mkdirSync(point, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', point], { stdio: 'ignore' });
    return point;
  } catch {
    return undefined;
  }
}
const small = mountSmall();
const noMount = small
  ? false
  : process.getuid?.() === 0
    ? missing('mount of a tmpfs')
    : notOnThisPlatform('only root mounts a tmpfs');
test('a disk that fills up loses no line that was taken, and goes on with a new line when there is room', {
  skip: noMount,
}, async () => {
  const path = join(small!, 'log');
  const device = deviceAt(path);
  const taken: string[] = [];
  let failed = false;
  for (let n = 0; n < 100 && !failed; n++) {
    const line = `{"n":${n},"fill":"${'x'.repeat(3_000)}"}`;
    await device.write(line).then(
      () => taken.push(line),
      (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ENOSPC');
        failed = true;
      },
    );
  }
  assert.ok(failed && taken.length > 5);
  assert.deepEqual(linesOf(path).slice(0, taken.length), taken);
  // Room again: the full log is moved off the disk, as an operator does, without a signal; the open file goes on elsewhere.
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, whole.slice(0, 20_000));
  await device.write('{"after":1}');
  const lines = linesOf(path);
  assert.equal(lines.at(-1), '{"after":1}');
  assert.doesNotMatch(lines.at(-2)!, /after/);
  await device.close();
});

test('stdout and discard need no file', async () => {
  const device = deviceAt('discard');
  await device.open();
  await device.write('{"n":1}');
  await device.close();
  const source = new URL('../../src/audit/file-device.ts', import.meta.url);
  const program = `import { makeFileDevice } from ${JSON.stringify(source)};
    const device = makeFileDevice({ options: { file_path: 'stdout' }, salt: 'x' });
    await device.open(); await device.write('{"n":1}'); await device.close();`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(printed, '{"n":1}\n');
});
