/**
 * What is done to a log, and whether it is found and named: offline, and against what the server knows.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { verifyLogs } from '../../../src/audit/verify/verify.ts';
import { AUDIT_CHECKPOINT_MS } from '../../../src/model/limits.ts';
import { logLines, makeChainWorld, relink, tamper, writeEntries } from '../../support/audit-chain.ts';
import { testFolder } from '../../support/test-folder.ts';

const folder = testFolder('verify');
let count = 0;
const fresh = (): string => join(folder, `${++count}-audit.log`);

/** start, ten entries, stop: lines and numbers 1 to 12. */
async function written(entries = 10) {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, entries);
  await device.close();
  return { world, path };
}

/** Three files of one chain: 1–4, 5–8, 9–13. */
async function rotated() {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, 3);
  renameSync(path, `${path}.2`);
  await device.reopen();
  await writeEntries(device, 4, 3);
  renameSync(path, `${path}.1`);
  await device.reopen();
  await writeEntries(device, 4, 7);
  await device.close();
  return { world, path, files: [`${path}.2`, `${path}.1`, path] };
}

async function asked({ world }: Pick<Awaited<ReturnType<typeof written>>, 'world'>, files: string[]) {
  const report = await verifyLogs(files, { keys: world.keys(), server: await world.server() });
  return {
    ...report,
    kinds: report.findings.map(({ kind, line }) => (line === undefined ? kind : `${kind} ${line}`)),
  };
}

async function offline(files: string[]) {
  const report = await verifyLogs(files);
  return {
    ...report,
    kinds: report.findings.map(({ kind, line }) => (line === undefined ? kind : `${kind} ${line}`)),
  };
}

test('a log that nobody touched: nothing is found, and it says how far it vouches', async () => {
  const { world, path } = await written();
  const report = await asked({ world }, [path]);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(report.notes, []);
  const [chain, ...more] = report.chains;
  assert.deepEqual(more, []);
  assert.deepEqual([chain!.from, chain!.to, chain!.vouched!.seq, chain!.head!.seq], [1, 12, 11, 12]);
  assert.deepEqual([chain!.device, chain!.node, chain!.files], ['file/', 'n1', [path]]);
  const alone = await offline([path]);
  assert.deepEqual(alone.findings, []);
  assert.equal(alone.chains[0]!.vouched!.seq, 11);
});

test('removed: one, several, and the first of the file', async () => {
  const { world, path } = await written();
  tamper(path, (lines) => lines.filter((_, index) => index !== 4));
  const one = await asked({ world }, [path]);
  assert.deepEqual(one.kinds, ['removed 5']);
  assert.deepEqual(one.findings[0]!.entries, [5, 5]);
  tamper(path, (lines) => lines.filter((_, index) => index !== 6 && index !== 7));
  const more = await offline([path]);
  assert.deepEqual(more.kinds, ['removed 5', 'removed 7']);
  assert.deepEqual(more.findings[1]!.entries, [8, 9]);
});

test('the beginning removed: named, unless it is said that older files are not given', async () => {
  const { world, path, files } = await rotated();
  for (const look of [await asked({ world }, files.slice(1)), await offline(files.slice(1))]) {
    assert.deepEqual(look.kinds, ['removed 1']);
    assert.deepEqual([look.findings[0]!.file, look.findings[0]!.entries], [`${path}.1`, [1, 4]]);
    assert.match(look.findings[0]!.text, /begins with entry 5: entries 1–4 .*-partial/);
  }
  const given = { keys: world.keys(), server: await world.server(), isPartial: true };
  const partial = await verifyLogs(files.slice(1), given);
  assert.deepEqual(partial.findings, []);
  assert.deepEqual(
    partial.notes.map(({ kind, text }) => [kind, text]),
    [['earlier', 'begins with entry 5: entries 1–4 would be in older files, which are not given']],
  );
  tamper(path, (lines) => lines.slice(2));
  const removed = await verifyLogs(files.slice(1), given);
  assert.deepEqual(
    removed.findings.map(({ kind, entries }) => [kind, entries]),
    [['removed', [9, 10]]],
  );
});

test('emptied while it is written: what came before is missing', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, 14);
  truncateSync(path);
  await writeEntries(device, 1, 14);
  const report = await asked({ world }, [path]);
  assert.deepEqual(report.kinds, ['removed 1']);
  assert.deepEqual(report.findings[0]!.entries, [1, 15]);
  await device.close();
});

test('emptied, or with no entry that is of a chain: found, and with the server it is said what is missing', async () => {
  const { world, path } = await written();
  for (const [content, isPartial] of [
    ['', false],
    ['', true],
    ['{"time":"x","type":"request"}\n', false],
    ['{"time":"2026', false],
  ] as const) {
    writeFileSync(path, content);
    const server = await world.server();
    const asking = await verifyLogs([path], { keys: world.keys(), server, isPartial });
    assert.deepEqual(
      asking.findings.map(({ kind, file, chain, entries }) => [kind, file, chain, entries]),
      [['cut', path, 'c'.repeat(16), [1, 12]]],
    );
    assert.match(asking.findings[0]!.text, /knows of entries 1–12 of file\/ on node n1/);
    const alone = await verifyLogs([path], { isPartial });
    assert.deepEqual(
      alone.findings.map(({ kind, file }) => [kind, file]),
      [['empty', path]],
    );
  }
  // Under a name that the server does not know.
  const copy = fresh();
  writeFileSync(copy, '');
  assert.deepEqual((await asked({ world }, [copy])).kinds, ['empty']);
});

test('an emptied log is not excused by another that is whole and has its name, as two nodes have', async () => {
  const { path } = await written();
  const other = join(mkdtempSync(join(folder, 'node-')), basename(path));
  writeFileSync(other, '');
  assert.deepEqual(
    (await offline([path, other])).findings.map(({ kind, file }) => [kind, file]),
    [['empty', other]],
  );
});

test('the newest of rotated files may be empty, wherever the others lie', async () => {
  const { world, path, files } = await rotated();
  renameSync(path, `${path}.0`);
  writeFileSync(path, '');
  assert.deepEqual((await asked({ world }, [...files, `${path}.0`])).findings, []);
  const archive = mkdtempSync(join(folder, 'archive-'));
  const moved = [`${path}.2`, `${path}.1`, `${path}.0`].map((from) => {
    const to = join(archive, basename(from));
    renameSync(from, to);
    return to;
  });
  for (const look of [asked({ world }, [...moved, path]), offline([...moved, path])])
    assert.deepEqual((await look).findings, []);
  // Of two logs, each stands for itself.
  const other = fresh();
  writeFileSync(other, '');
  assert.deepEqual(
    (await asked({ world }, [...moved, other])).findings.map(({ kind, file }) => [kind, file]),
    [['empty', other]],
  );
});

test('removed and numbered anew: the signature says so', async () => {
  const { world, path } = await written();
  tamper(path, (lines) => {
    const left = lines.filter((_, index) => index !== 4);
    return relink(
      left.map((line, index) => line.replace(/"seq":\d+,"prev"/, `"seq":${index + 1},"prev"`)),
      4,
    );
  });
  const { findings } = await asked({ world }, [path]);
  assert(findings.some(({ kind, entries }) => kind === 'changed' || (kind === 'cut' && entries)));
  assert((await offline([path])).findings.length > 0);
});

test('changed: one that is in between, the last, and one that is no entry any more', async () => {
  const { world, path } = await written();
  const whole = readFileSync(path);
  tamper(path, (lines) => lines.with(4, lines[4]!.replace('secret/3', 'secret/9')));
  for (const look of [await asked({ world }, [path]), await offline([path])]) {
    assert.deepEqual(look.kinds, ['changed 5']);
    assert.deepEqual(look.findings[0]!.entries, [5, 5]);
  }
  writeFileSync(path, whole);
  tamper(path, (lines) => lines.with(11, lines[11]!.replace('"n1"', '"n2"')));
  assert.deepEqual((await asked({ world }, [path])).kinds, ['forged 12', 'changed']);
  writeFileSync(path, whole);
  tamper(path, (lines) => lines.with(4, 'nothing'));
  assert.deepEqual((await asked({ world }, [path])).kinds, ['changed 5']);
});

test('changed and all that follows linked anew: the checkpoint names the range', async () => {
  const { world, path } = await written();
  tamper(path, (lines) => relink(lines.with(4, lines[4]!.replace('secret/3', 'secret/9')), 5));
  const { findings } = await offline([path]);
  assert.deepEqual(
    findings.map(({ kind, line, entries }) => [kind, line, entries]),
    [['changed', 12, [1, 11]]],
  );
  assert.match(findings[0]!.text, /checkpoint in line 12/);
  assert((await asked({ world }, [path])).findings.some(({ kind }) => kind === 'changed'));
});

test('reordered: neighbours, and one that was moved far', async () => {
  const { world, path } = await written();
  const whole = readFileSync(path);
  tamper(path, (lines) => lines.with(4, lines[5]!).with(5, lines[4]!));
  const swapped = await asked({ world }, [path]);
  assert.deepEqual(swapped.kinds, ['reordered 6']);
  assert.deepEqual(swapped.findings[0]!.entries, [5, 5]);
  writeFileSync(path, whole);
  tamper(path, (lines) => [...lines.slice(0, 3), ...lines.slice(4, 9), lines[3]!, ...lines.slice(9)]);
  assert.deepEqual((await offline([path])).kinds, ['reordered 9']);
});

test('inserted: a line that is no entry, and an entry a second time', async () => {
  const { world, path } = await written();
  tamper(path, (lines) => lines.toSpliced(5, 0, '{"time":"x","type":"request"}'));
  assert.deepEqual((await asked({ world }, [path])).kinds, ['inserted 6']);
  tamper(path, (lines) => lines.with(5, lines[3]!));
  assert.deepEqual((await asked({ world }, [path])).kinds, ['replayed 6']);
});

test('the tail cut off: the server knows how much; alone, it says up to where it vouches', async () => {
  const { world, path } = await written();
  tamper(path, (lines) => lines.slice(0, 9));
  const cut = await asked({ world }, [path]);
  assert.deepEqual(cut.kinds, ['cut 9']);
  assert.deepEqual(cut.findings[0]!.entries, [10, 12]);
  assert.match(cut.findings[0]!.text, /ends with entry 9, but the server had come to entry 12/);
  const alone = await offline([path]);
  assert.deepEqual(alone.findings, []);
  assert.equal(alone.chains[0]!.vouched!.seq, 0);
});

test('a torn last line is said to be that', async () => {
  const { world, path } = await written();
  appendFileSync(path, '{"time":"2026');
  const report = await asked({ world }, [path]);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(
    report.notes.map(({ kind, line }) => [kind, line]),
    [['torn', 13]],
  );
  // Within what the server has the hash of, it is a cut.
  const size = readFileSync(path).length;
  truncateSync(path, size - 40);
  const cut = await asked({ world }, [path]);
  assert.deepEqual(cut.kinds, ['cut 11']);
  assert.deepEqual(
    cut.notes.map(({ kind }) => kind),
    ['torn'],
  );
});

test('rotated files are taken in their order, packed ones too', async () => {
  const { world, path, files } = await rotated();
  for (const given of [files, files.toReversed(), [path, `${path}.2`, `${path}.1`]]) {
    const report = await asked({ world }, given);
    assert.deepEqual(report.findings, []);
    assert.deepEqual(report.files, files);
    assert.deepEqual([report.chains[0]!.from, report.chains[0]!.to], [1, 13]);
  }
  writeFileSync(`${path}.2.gz`, gzipSync(readFileSync(`${path}.2`)));
  writeFileSync(`${path}.1.zst`, zstdCompressSync(readFileSync(`${path}.1`)));
  assert.deepEqual((await asked({ world }, [path, `${path}.2.gz`, `${path}.1.zst`])).findings, []);
});

test('a file that is missing in between, and one whose end was cut', async () => {
  const { world, path, files } = await rotated();
  const missing = await asked({ world }, [files[0]!, path]);
  assert.deepEqual(
    missing.findings.map(({ kind, entries }) => [kind, entries]),
    [['removed', [5, 8]]],
  );
  tamper(`${path}.1`, (lines) => lines.slice(0, -1));
  const cut = await asked({ world }, files);
  assert.deepEqual(
    cut.findings.map(({ kind, entries }) => [kind, entries]),
    [['removed', [8, 8]]],
  );
  assert.match(cut.findings[0]!.text, /between .*\.1 and .*audit\.log/);
});

test('the last entry of a rotated file changed', async () => {
  const { world, path, files } = await rotated();
  tamper(`${path}.1`, (lines) => lines.with(-1, lines.at(-1)!.replace('secret/6', 'secret/9')));
  const { findings } = await asked({ world }, files);
  assert.deepEqual(
    findings.map(({ kind, file, line, entries }) => [kind, file, line, entries]),
    [['changed', `${path}.1`, 4, [8, 8]]],
  );
});

function exchange(a: string, b: string): void {
  renameSync(a, `${a}-x`);
  renameSync(b, a);
  renameSync(`${a}-x`, b);
}

test('two files that changed places: named both', async () => {
  const { world, path, files } = await rotated();
  exchange(`${path}.2`, `${path}.1`);
  for (const look of [await asked({ world }, files), await offline(files)]) {
    assert.deepEqual(
      look.findings.map(({ kind }) => kind),
      ['swapped'],
    );
    assert.match(look.findings[0]!.text, /\.2 and .*\.1 have changed places/);
  }
});

test('files of two devices that changed places', async () => {
  const world = makeChainWorld();
  const paths = [fresh(), fresh()];
  for (const [index, path] of paths.entries()) {
    const device = world.device(path, `${index}`.repeat(16));
    await writeEntries(device, 2);
    await device.close();
  }
  assert.deepEqual((await asked({ world }, paths)).findings, []);
  exchange(paths[0]!, paths[1]!);
  const { findings } = await asked({ world }, paths);
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['swapped'],
  );
});

test('an old file put back: in place of another, in place of the present one, and alone', async () => {
  const { world, path, files } = await rotated();
  const whole = readFileSync(path);
  copyFileSync(`${path}.2`, `${path}.1`);
  const between = await asked({ world }, files);
  assert.deepEqual(
    between.findings.map(({ kind, entries }) => [kind, entries]),
    [
      ['replayed', [1, 4]],
      ['removed', [5, 8]],
    ],
  );
  copyFileSync(`${path}.2`, path);
  const present = await asked({ world }, [path]);
  assert.deepEqual(present.kinds, ['cut 4']);
  assert.match(present.findings[0]!.text, /or an older file was put in its place/);
  writeFileSync(path, whole);
});

test('the log of a device that is disabled, under the name of the one that took its place', async () => {
  const { world, path } = await written();
  const old = readFileSync(path);
  rmSync(path);
  const device = world.device(path, 'd'.repeat(16));
  await writeEntries(device, 2);
  await device.close();
  writeFileSync(path, old);
  const server = await world.server(['c'.repeat(16)]);
  const { findings } = await verifyLogs([path], { keys: world.keys(), server });
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['replayed'],
  );
  // Put by, it is what it is.
  renameSync(path, `${path}.1`);
  const kept = await verifyLogs([`${path}.1`], { keys: world.keys(), server });
  assert.deepEqual(kept.findings, []);
  assert.deepEqual(
    kept.notes.map(({ kind }) => kind),
    ['disabled'],
  );
});

test('a log that was made up: its keys are not known, its chain neither', async () => {
  const { path } = await written();
  const other = makeChainWorld();
  other.rotateKeys();
  const forger = makeChainWorld();
  const server = await other.server();
  const { findings } = await verifyLogs([path], { keys: new Map(), server });
  assert.deepEqual(new Set(findings.map(({ kind }) => kind)), new Set(['forged', 'unknown']));
  assert.deepEqual(
    (await verifyLogs([path], { keys: forger.keys(), server })).findings.map(({ kind }) => kind),
    ['unknown'],
  );
});

test('a crash: what came after the last checkpoint is named, and is no finding', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const crashed = world.device(path);
  await writeEntries(crashed, 3);
  appendFileSync(path, '{"time":"to');
  const device = world.device(path);
  await writeEntries(device, 1);
  await device.close();
  const report = await asked({ world }, [path]);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(
    report.notes.map(({ kind, line }) => [kind, line]),
    [
      ['torn', 5],
      ['crash', 6],
    ],
  );
  assert.match(report.notes[1]!.text, /^entries 2–4 came after the last checkpoint/);
  await crashed.close();
});

test('a crash, and the log rotated before the next start', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const crashed = world.device(path);
  await writeEntries(crashed, 3);
  renameSync(path, `${path}.1`);
  const device = world.device(path);
  await writeEntries(device, 1);
  await device.close();
  const report = await asked({ world }, [path, `${path}.1`]);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(
    report.notes.map(({ kind }) => kind),
    ['crash'],
  );
  assert.match(report.notes[0]!.text, /entries 2–4/);
  await crashed.close();
});

test('changed while the device was closed: the next start bears witness', async () => {
  const { world, path } = await written();
  const text = logLines(path);
  tamper(path, (lines) => relink(lines.with(4, lines[4]!.replace('secret/3', 'secret/9')), 5));
  assert.notDeepEqual(logLines(path), text);
  const device = world.device(path);
  await writeEntries(device, 1);
  await device.close();
  assert.match(world.alarms[0]!, /was changed while it was closed/);
  const { findings } = await asked({ world }, [path]);
  assert(findings.some(({ kind }) => kind === 'changed'));
});

test('chains of several nodes in one file are told apart', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const devices = ['a', 'b'].map((id) => world.device(path, id.repeat(16)));
  for (let n = 0; n < 5; n++) for (const device of devices) await writeEntries(device, 1, n);
  for (const device of devices) await device.close();
  const report = await asked({ world }, [path]);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(
    report.chains.map(({ chain, to }) => [chain[0], to]),
    [
      ['a', 7],
      ['b', 7],
    ],
  );
  tamper(path, (lines) => lines.filter((_, index) => index !== 3));
  assert.deepEqual(
    (await asked({ world }, [path])).findings.map(({ kind }) => kind),
    ['removed'],
  );
});

test('lines from before there was a chain', async () => {
  const world = makeChainWorld();
  const path = fresh();
  writeFileSync(
    path,
    '{"time":"x","type":"request","request":{}}\n{"time":"y","type":"request","request":{}}\n',
  );
  const device = world.device(path);
  await writeEntries(device, 1);
  await device.close();
  const report = await asked({ world }, [path]);
  assert.deepEqual(report.findings, []);
  assert.match(report.notes[0]!.text, /lines 1–2 are older than the chain/);
});

test('while it is written: what came after the head that the server told is no finding', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, 3);
  const server = await world.server();
  world.clock.advance(AUDIT_CHECKPOINT_MS);
  await writeEntries(device, 3);
  const report = await verifyLogs([path], { keys: world.keys(), server });
  assert.deepEqual(report.findings, []);
  await device.close();
});

test('any one line removed, doubled, changed in any byte, or moved is found', async () => {
  const { world, path } = await written(6);
  const lines = logLines(path);
  const server = await world.server();
  const keys = world.keys();
  const copy = fresh();
  const digest = (text: readonly string[]) => createHash('sha256').update(text.join('\n')).digest('hex');
  await fc.assert(
    fc.asyncProperty(
      fc.nat(lines.length - 1),
      fc.constantFrom('remove', 'double', 'byte', 'move'),
      fc.nat(1_000),
      async (at, what, where) => {
        const to = where % lines.length;
        const line = lines[at]!;
        const byte = where % line.length;
        const flipped = line.slice(0, byte) + (line[byte] === 'x' ? 'y' : 'x') + line.slice(byte + 1);
        const made = {
          remove: () => lines.toSpliced(at, 1),
          double: () => lines.toSpliced(to, 0, line),
          byte: () => lines.with(at, flipped),
          move: () => lines.toSpliced(at, 1).toSpliced(to, 0, line),
        }[what]();
        fc.pre(digest(made) !== digest(lines));
        writeFileSync(copy, `${made.join('\n')}\n`);
        const { findings } = await verifyLogs([copy], { keys, server });
        assert(findings.length > 0, `${what} ${at} ${where}`);
      },
    ),
    { numRuns: 60 },
  );
});

test('what was never a log says nothing', async () => {
  const path = fresh();
  writeFileSync(path, 'a\nb\n');
  const report = await verifyLogs([path]);
  assert.deepEqual(report.chains, []);
  await assert.rejects(verifyLogs([join(folder, 'none')]), { code: 'ENOENT' });
});
