import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Storage, StorageFailed } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { missing, notOnThisPlatform } from '../support/missing.ts';
import { findStrace } from '../support/strace.ts';
import { testFolder } from '../support/test-folder.ts';

const CHILD = fileURLToPath(new URL('./writer-child.ts', import.meta.url));
const base = testFolder();
let folders = 0;
const newFolder = () => join(base, `${++folders}`);

/** Starts a writer, through `wrapper` where one is given, and hands each line it prints to `onLine`. */
function startWriter(
  args: string[],
  onLine: (line: string, child: ChildProcess) => void,
  wrapper: string[] = [],
) {
  const [command = process.execPath, ...rest] = [...wrapper, process.execPath, CHILD, ...args];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => onLine(line, child));
  const ended = Promise.all([once(child, 'exit'), once(lines, 'close')]).then(() => errors);
  return { child, ended };
}

/** Every acknowledged number is stored, and each head has its payload. */
async function checkWritten(folder: string, acknowledged: Map<string, number>): Promise<void> {
  const storage = await openLmdb({ type: 'file', folder });
  for (const [writer, number] of acknowledged) {
    const head = Number(Buffer.from((await storage.get(`w/${writer}/head`))!.value).toString());
    assert(head >= number, `writer ${writer}: ${number} acknowledged, ${head} stored`);
    for (let n = 1; n <= head; n++) {
      const stored = await storage.get(`w/${writer}/v/${n}`);
      assert(stored !== undefined, `w/${writer}/v/${n} is missing`);
      assert(Buffer.from(stored.value).equals(Buffer.alloc(stored.value.length, `${writer}.${n} `)));
    }
    assert.equal(await storage.get(`w/${writer}/v/${head + 1}`), undefined);
  }
  await storage.close();
}

test('kill -9 in the middle of 64 writers: all that was acknowledged is there, nothing by halves', async () => {
  const folder = newFolder();
  const acknowledged = new Map<string, number>();
  for (let round = 1; round <= 3; round++) {
    let count = 0;
    const { ended } = startWriter([folder, '64', '400'], (line, child) => {
      const [writer = '', number = ''] = line.split(' ');
      if (writer === 'open') return;
      // The next process overwrites from 1: what the last one stored beyond that stays, so only this one's numbers are checked.
      acknowledged.set(writer, Number(number));
      if (++count === 500 * round) child.kill('SIGKILL');
    });
    await ended;
    assert(count >= 500 * round);
    await checkWritten(folder, acknowledged);
    rmSync(folder, { recursive: true });
    acknowledged.clear();
  }
});

test('a file-size limit: writes fail with a sentence, reads go on, and writes go on when it is lifted', async (t) => {
  if (spawnSync('prlimit', ['--version']).status !== 0) return t.skip(missing('prlimit'));
  const folder = newFolder();
  const acknowledged = new Map<string, number>();
  let failures: string[] = [];
  let after = 0;
  const { ended } = startWriter(
    [folder, '4', '4000', 'on'],
    (line, child) => {
      if (line.startsWith('!')) {
        failures.push(line);
        if (failures.length === 1)
          spawnSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited:unlimited']);
        return;
      }
      const [writer = '', number = ''] = line.split(' ');
      if (writer === 'open') return;
      acknowledged.set(writer, Number(number));
      if (failures.length > 0 && ++after === 50) child.kill('SIGKILL');
    },
    ['prlimit', '--fsize=1000000:unlimited'],
  );
  await ended;
  assert(failures.length >= 1);
  for (const line of failures) {
    assert.match(line, /^! known readable the store in .* could not write: EFBIG: file too large, write$/);
  }
  failures = [];
  await checkWritten(folder, acknowledged);
});

test('a full disk: said so, nothing acknowledged is lost, and the store goes on when room returns', async (t) => {
  const folder = newFolder();
  mkdirSync(folder);
  // A small file system of our own, in a mount namespace that ends with the child. It needs user namespaces or root.
  const inNamespace = ['unshare', '--map-root-user', '--mount', 'sh', '-c'];
  const mount = `mount -t tmpfs -o size=6m tmpfs ${folder}`;
  if (spawnSync(inNamespace[0]!, [...inNamespace.slice(1), mount]).status !== 0) {
    return t.skip(missing('the right to mount a file system (unshare)'));
  }
  const script = `${mount} && dd if=/dev/zero of=${folder}/ballast bs=1M count=4 2>/dev/null && exec "$@"`;
  const acknowledged = new Map<string, number>();
  const failures: string[] = [];
  let after = 0;
  const { child, ended } = startWriter(
    [folder, '4', '4000', 'on'],
    (line, process) => {
      if (line.startsWith('!')) {
        // The file is seen through the child's own mount namespace.
        if (failures.push(line) === 20) rmSync(`/proc/${process.pid}/root${folder}/ballast`);
        return;
      }
      const [writer = '', number = ''] = line.split(' ');
      if (writer === 'open') return;
      if (failures.length > 0 && Number(number) <= (acknowledged.get(writer) ?? 0))
        failures.push('acknowledged twice');
      acknowledged.set(writer, Number(number));
      if (failures.length > 0 && ++after === 40) process.kill('SIGKILL');
    },
    [...inNamespace, script, 'sh'],
  );
  const errors = await ended;
  assert(child.killed);
  assert(failures.length >= 20);
  for (const line of failures) {
    assert.match(line, /^! known readable the disk that holds .* is full; nothing was written$/);
  }
  assert(errors.split('\n').filter((line) => line.startsWith('Error:')).length <= 3, errors);
  assert.equal(after >= 40, true);
});

const strace = findStrace();
const canTrace = strace !== undefined;
/** Runs the writer with a fault that strace puts into its system calls. With -D the writer is our child, strace stands beside it. */
const withFault = (fault: string, only: readonly string[] = []) => [
  ...(strace ?? []),
  ...only.flatMap((path) => ['-P', path]),
  '-D',
  '-f',
  '-o',
  '/dev/null',
  '-e',
  `inject=${fault}`,
];

/**
 * The fault that fails one write of a meta page: those are the short ones. All writes come from one thread here, and always in the same order, so
 * a look at one run tells which of the next it is.
 */
async function metaPageFault(): Promise<string> {
  const calls = join(base, 'calls');
  let acknowledged = 0;
  const { ended } = startWriter(
    [newFolder(), '1', '400', 'on', 'shared'],
    (_line, child) => {
      if (++acknowledged === 60) child.kill('SIGKILL');
    },
    [...(strace ?? []), '-D', '-f', '-e', 'trace=pwrite64', '-o', calls],
  );
  await ended;
  const threads = new Map<string, number[]>();
  for (const [, thread, bytes] of readFileSync(calls, 'utf8').matchAll(/^(\d+) +pwrite64.* = (\d+)$/gm)) {
    threads.set(thread!, [...(threads.get(thread!) ?? []), Number(bytes)]);
  }
  const [writes] = [...threads.values()].sort((one, other) => other.length - one.length);
  const metaPages = writes!.flatMap((bytes, at) => (bytes < 4096 ? [at + 1] : []));
  return `pwrite64:error=EIO:when=${metaPages[30]}`;
}

/** LMDB's own writes are left alone: lmdb-js 3.5 may damage our memory when one of its pages cannot be written. */
const LOG_FILES = ['coffer-a.log', 'coffer-b.log'];

const FAULTS = [
  {
    what: 'a write of the log',
    fault: async () => 'pwrite64:error=EIO:when=20+7',
    only: LOG_FILES,
    // Later ones may meet the move that ends a log: then nobody knows.
    outcomes: ['known', '(?:un)?known'],
    times: 3,
  },
  {
    what: 'every write of the log from one on',
    fault: async () => 'pwrite64:error=EIO:when=21+1',
    only: LOG_FILES,
    outcomes: ['known'],
    times: 4,
    isForGood: true,
  },
  {
    what: 'a sync of pages',
    fault: async () => 'fdatasync:error=EIO:when=21+3',
    outcomes: ['known'],
    times: 5,
    sharing: 'shared',
  },
  {
    what: 'a write of the meta page',
    fault: metaPageFault,
    outcomes: ['unknown'],
    times: 1,
    sharing: 'shared',
  },
];
for (const { what, fault, only = [], outcomes, times, isForGood = false, sharing = '' } of FAULTS) {
  test(`${what} that fails: reads${isForGood ? '' : ' and writes'} go on`, async (t) => {
    if (!canTrace) return t.skip(missing('strace'));
    const folder = newFolder();
    const acknowledged = new Map<string, number>();
    const failures: string[] = [];
    let after = 0;
    const { ended } = startWriter(
      [folder, '1', '400', 'on', sharing],
      (line, child) => {
        if (line.startsWith('!')) failures.push(line);
        if (isForGood && failures.length === times) child.kill('SIGKILL');
        const [writer = '', number = ''] = line.split(' ');
        if (line.startsWith('!') || writer === 'open') return;
        acknowledged.set(writer, Number(number));
        if (failures.length >= times && ++after === 30) child.kill('SIGKILL');
      },
      withFault(
        await fault(),
        only.map((name) => join(folder, name)),
      ),
    );
    await ended;
    assert(failures.length >= times, failures.join('\n'));
    failures.forEach((line, index) => {
      const outcome = outcomes[index] ?? outcomes.at(-1);
      assert.match(line, new RegExp(`^! ${outcome} readable `), `failure ${index}`);
    });
    await checkWritten(folder, acknowledged);
  });
}

test('a write of the log that does not return: nothing is acknowledged and nothing is visible', async (t) => {
  if (!canTrace) return t.skip(missing('strace'));
  const folder = newFolder();
  await (await openLmdb({ type: 'file', folder })).close();
  const lines: string[] = [];
  const { ended } = startWriter(
    [folder, '8', '400', 'watch'],
    (line, child) => {
      lines.push(line);
      if (line.startsWith('seen')) child.kill('SIGKILL');
    },
    withFault(
      'pwrite64:delay_enter=1500000',
      LOG_FILES.map((name) => join(folder, name)),
    ),
  );
  await ended;
  assert.deepEqual(lines, ['open', 'seen nothing']);
});

test('a folder that is a file is refused with a sentence', async () => {
  const folder = newFolder();
  writeFileSync(folder, 'a file');
  await assert.rejects(
    openLmdb({ type: 'file', folder }),
    /^StorageFailed: the data folder .* cannot be made/,
  );
});

test('a folder that cannot be written is refused with a sentence', {
  skip: process.getuid?.() === 0 && notOnThisPlatform('root may: test/e2e/bad-days.test.ts has it read-only'),
}, async () => {
  const folder = newFolder();
  mkdirSync(folder);
  chmodSync(folder, 0o500);
  await assert.rejects(
    openLmdb({ type: 'file', folder }),
    /^StorageFailed: the data folder .* cannot be written/,
  );
  chmodSync(folder, 0o700);
});

async function filled(): Promise<string> {
  const folder = newFolder();
  const storage = await openLmdb({ type: 'file', folder });
  for (let i = 0; i < 20; i++) {
    await storage.commit(
      Array.from({ length: 20 }, (_, j) => ({ path: `${i}/${j}`, value: Buffer.alloc(500, i) })),
      [],
    );
  }
  await storage.close();
  return join(folder, 'coffer.mdb');
}

const openAt = (file: string): Promise<Storage> => openLmdb({ type: 'file', folder: join(file, '..') });

test('a file cut off anywhere, overwritten at its head or of another program is refused with a sentence', async () => {
  const file = await filled();
  const good = readFileSync(file);
  const page = good.readUInt32LE(48);
  const refused = async (name: string) => {
    await assert.rejects(openAt(file), (error: Error) => {
      assert(error instanceof StorageFailed, name);
      assert.match(error.message, /^the data file .* is damaged \(.*\); restore it from a backup$/, name);
      return true;
    });
  };
  for (const bytes of [
    1,
    100,
    page,
    page + 100,
    2 * page,
    good.length >> 1,
    // The last page may be in no use: test/storage/lmdb-cut.test.ts looks at what is cut off there.
  ]) {
    writeFileSync(file, good);
    truncateSync(file, bytes);
    await refused(`cut to ${bytes}`);
  }
  const patched = (at: number, bytes: Buffer) => {
    const copy = Buffer.from(good);
    bytes.copy(copy, at);
    writeFileSync(file, copy);
  };
  for (const at of [24, 28, 48, page + 24, page + 28]) {
    patched(at, Buffer.alloc(4));
    await refused(`zeros at ${at}`);
  }
  patched(0, Buffer.alloc(2 * page));
  await refused('no head');
  const withBothHeads = (at: number, value: bigint) => {
    const both = Buffer.from(good);
    for (const meta of [0, page]) both.writeBigUInt64LE(value, meta + at);
    writeFileSync(file, both);
  };
  withBothHeads(136, 1_000_000n);
  await refused('a root out of range');
  const newest = good.readBigUInt64LE(152) > good.readBigUInt64LE(page + 152) ? 0 : page;
  patched(Number(good.readBigUInt64LE(newest + 136)) * page, Buffer.alloc(page, 0x55));
  await refused('root overwritten');
  writeFileSync(file, 'not a store\n'.repeat(1_000));
  await refused('text');

  // LMDB counts pages that it never wrote, as after a clean stop: only those in use have to be there.
  withBothHeads(144, 1_000_000n);
  const short = await openAt(file);
  assert.equal((await short.list('', '', 1_000)).length, 401);
  await short.close();

  writeFileSync(file, Buffer.concat([good, Buffer.alloc(10 * page, 0xee)]));
  const storage = await openAt(file);
  assert.equal(
    (await storage.list('19/', '', 100)).length,
    20,
    'what a torn write left behind the end does no harm',
  );
  await storage.commit([{ path: 'x', value: Buffer.from('x') }], []);
  await storage.close();
});

test('a store that is removed or replaced under the server takes no more writes, and is read on', async () => {
  const file = await filled();
  const storage = await openAt(file);
  const write = (path: string) => storage.commit([{ path, value: Buffer.from('x') }], []);
  const refused = async () => {
    await assert.rejects(write('a'), (error: StorageFailed) => {
      assert.match(error.message, /^the data file .* was removed or replaced under the server/);
      return error.outcomeKnown;
    });
    assert.equal((await storage.list('19/', '', 100)).length, 20);
    assert.equal(await storage.get('a'), undefined);
  };
  renameSync(file, `${file}.moved`);
  await refused();
  writeFileSync(file, readFileSync(`${file}.moved`));
  await refused();
  // Back in its place, it goes on.
  renameSync(`${file}.moved`, file);
  await write('a');
  rmSync(join(file, '..'), { recursive: true });
  await assert.rejects(write('b'), /was removed or replaced/);
  await storage.close();
});

test('a short file whose index leads back to itself is refused, not followed for ever', async () => {
  const file = await filled();
  const bytes = readFileSync(file);
  const page = bytes.readUInt32LE(48);
  const newest = bytes.readBigUInt64LE(152) > bytes.readBigUInt64LE(page + 152) ? 0 : page;
  const root = Number(bytes.readBigUInt64LE(newest + 136));
  const at = root * page;
  assert.equal(bytes.readUInt16LE(at + 18) & 1, 1, 'the root is a branch');
  for (let pointer = 24; pointer < 24 + bytes.readUInt16LE(at + 20); pointer += 2) {
    bytes.writeUIntLE(root, at + 24 + bytes.readUInt16LE(at + pointer), 6);
  }
  bytes.writeBigUInt64LE(bytes.readBigUInt64LE(newest + 144) + 50n, newest + 144);
  writeFileSync(file, bytes);
  await assert.rejects(
    openAt(file),
    /^StorageFailed: the data file .* is damaged \(its index runs in circles\)/,
  );
});

test('a write that dies between its pages and its meta page leaves the store as it was before', async () => {
  const file = await filled();
  const before = readFileSync(file);
  const storage = await openLmdb({ type: 'file', folder: join(file, '..'), shared: true });
  await storage.commit([{ path: '0/0', value: Buffer.from('changed') }], []);
  await storage.close();
  const torn = readFileSync(file);
  const page = before.readUInt32LE(48);
  before.copy(torn, 0, 0, 2 * page);
  writeFileSync(file, torn);
  const again = await openAt(file);
  assert.equal(Buffer.from((await again.get('0/0'))!.value)[0], 0);
  await again.close();
});
