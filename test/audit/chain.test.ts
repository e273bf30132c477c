/**
 * The chain that a device makes of its lines: links, checkpoints, restarts, and what goes wrong on the way.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, readFileSync, renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeChain } from '../../src/audit/chain.ts';
import { makeLineSink, type Output, WriteBroke } from '../../src/audit/line-sink.ts';
import { isSignedBy } from '../../src/crypto/audit-signature.ts';
import { type CheckpointLine, linkOf, signedBytes } from '../../src/model/audit-chain.ts';
import {
  AUDIT_CHECKPOINT_LINES,
  AUDIT_CHECKPOINT_MS,
  AUDIT_CHECKPOINT_REST_MS,
} from '../../src/model/limits.ts';
import { entryLine, logLines, makeChainWorld, writeEntries } from '../support/audit-chain.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const folder = testFolder('chain');
let count = 0;
const fresh = (): string => join(folder, `log-${++count}`);
const CHAIN = 'c'.repeat(16);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const checkpointsIn = (path: string): CheckpointLine[] =>
  logLines(path)
    .filter((line) => line.includes('"type":"checkpoint"'))
    .map((line) => JSON.parse(line) as CheckpointLine);

test('each line has its number and the hash of the one before; checkpoints stand at start and stop, signed twice', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, 3);
  await Promise.all([device.write(entryLine(3)), device.write(entryLine(4))]);
  await device.close();
  const lines = logLines(path);
  assert.equal(lines.length, 7);
  for (const [index, line] of lines.entries()) {
    const prev = index === 0 ? '0'.repeat(64) : sha256(lines[index - 1]!);
    assert.deepEqual(linkOf(line), { chain: CHAIN, seq: index + 1, prev });
    const parsed = JSON.parse(line);
    assert.deepEqual([parsed.chain, parsed.seq, parsed.prev], [CHAIN, index + 1, prev]);
  }
  const [start, stop, ...more] = checkpointsIn(path);
  assert.deepEqual(more, []);
  assert.equal(start!.checkpoint.event, 'start');
  assert.equal(start!.checkpoint.file, path);
  assert.deepEqual(
    [stop!.checkpoint.event, stop!.checkpoint.seq, stop!.checkpoint.hash],
    ['stop', 6, sha256(lines[5]!)],
  );
  const { keys } = world.signer.current();
  assert.deepEqual(start!.checkpoint.public_keys, keys);
  for (const { checkpoint, signatures } of [start!, stop!]) {
    for (const kind of ['ed25519', 'ml_dsa_65'] as const) {
      assert(isSignedBy(kind, keys[kind], signedBytes(checkpoint), signatures[kind]));
      assert(!isSignedBy(kind, keys[kind], signedBytes({ ...checkpoint, seq: 5 }), signatures[kind]));
    }
  }
  const kept = await world.heads.load(CHAIN);
  assert.deepEqual(kept?.head, {
    seq: 7,
    hash: sha256(lines[6]!),
    device: 'file/',
    node: 'n1',
    file: path,
    atMs: world.clock.wallMs(),
    closed: true,
  });
});

test('a checkpoint is made after a thousand entries, and kept in the store after the file has them', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await Promise.all(Array.from({ length: AUDIT_CHECKPOINT_LINES }, (_, n) => device.write(entryLine(n))));
  await until(
    'the head is kept',
    async () => ((await world.heads.load(CHAIN))?.head.seq ?? 0) > AUDIT_CHECKPOINT_LINES,
  );
  const [, periodic, ...more] = checkpointsIn(path);
  assert.deepEqual(more, []);
  assert.equal(periodic!.checkpoint.event, 'periodic');
  assert.equal(periodic!.checkpoint.seq, AUDIT_CHECKPOINT_LINES + 1);
  const { head } = (await world.heads.load(CHAIN))!;
  assert.equal(head.hash, sha256(logLines(path)[head.seq - 1]!));
  assert.equal(head.closed, false);
  await device.close();
});

test('however many lines there are, checkpoints come a tenth of a second apart', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  const many = () =>
    Promise.all(Array.from({ length: AUDIT_CHECKPOINT_LINES }, (_, n) => device.write(entryLine(n))));
  await many();
  await until('a second checkpoint', () => checkpointsIn(path).length === 2);
  await until(
    'the head is kept',
    async () => (await world.heads.load(CHAIN))!.head.seq > AUDIT_CHECKPOINT_LINES,
  );
  await many();
  world.clock.advance(AUDIT_CHECKPOINT_REST_MS - 1);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(checkpointsIn(path).length, 2);
  world.clock.advance(1);
  await until('a third checkpoint', () => checkpointsIn(path).length === 3);
  await device.close();
});

test('a checkpoint is made after ten seconds, by the clock that is handed in; none where nothing was written', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, 1);
  world.clock.advance(AUDIT_CHECKPOINT_MS - 1);
  assert.equal(checkpointsIn(path).length, 1);
  world.clock.advance(1);
  await until('the head is kept', async () => (await world.heads.load(CHAIN))?.head.seq === 3);
  assert.equal(checkpointsIn(path).length, 2);
  assert.equal(world.clock.pending(), 0);
  world.clock.advance(10 * AUDIT_CHECKPOINT_MS);
  await writeEntries(device, 1);
  assert.equal(checkpointsIn(path).length, 2);
  await device.close();
  assert.equal(world.clock.pending(), 0);
});

test('a device that is opened again goes on with its chain, in a file that was rotated too', async () => {
  const world = makeChainWorld();
  const path = fresh();
  for (const from of [0, 2]) {
    const device = world.device(path);
    await writeEntries(device, 2, from);
    await device.close();
  }
  renameSync(path, `${path}.1`);
  const device = world.device(path);
  await writeEntries(device, 1);
  await device.close();
  const all = [...logLines(`${path}.1`), ...logLines(path)];
  for (const [index, line] of all.entries()) {
    assert.equal(linkOf(line)!.seq, index + 1);
    if (index > 0) assert.equal(linkOf(line)!.prev, sha256(all[index - 1]!));
  }
  const { checkpoint } = checkpointsIn(path)[0]!;
  assert.equal(checkpoint.stored!.seq, 8);
  assert.equal(checkpoint.found, undefined);
  assert.deepEqual(world.alarms, []);
});

test('after a crash it goes on from what the file holds, and signs what it found and that a line was torn', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const crashed = world.device(path);
  await writeEntries(crashed, 3);
  // As if the process had died here: nothing is closed.
  appendFileSync(path, '{"time":"tor');
  const device = world.device(path);
  await writeEntries(device, 1);
  await device.close();
  const lines = logLines(path);
  assert.equal(lines[4], '{"time":"tor');
  const start = JSON.parse(lines[5]!) as CheckpointLine & { torn: unknown };
  assert.deepEqual(start.checkpoint.stored!.seq, 1);
  assert.deepEqual(start.checkpoint.found, { seq: 4, hash: sha256(lines[3]!) });
  assert.deepEqual([start.checkpoint.seq, start.checkpoint.hash], [4, sha256(lines[3]!)]);
  assert.deepEqual(start.torn, [{ bytes: 12, hash: sha256('{"time":"tor') }]);
  assert.equal(linkOf(lines[5]!)!.prev, sha256(lines[3]!));
  assert.deepEqual(world.alarms, []);
  await crashed.close();
});

test('a log that was cut or changed while the device was closed is told of, and the next start signs what was there', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, 4);
  await device.close();
  const whole = readFileSync(path);
  const twin = fresh();
  copyFileSync(path, twin);
  truncateSync(path, whole.subarray(0, -1).lastIndexOf('\n') + 1);
  const after = world.device(path);
  await writeEntries(after, 1);
  assert.match(world.alarms.join(), /lost lines while it was closed: it ends with 5, not 6/);
  assert.equal(checkpointsIn(path)[1]!.checkpoint.seq, 6);
  await after.close();
});

test('the head in the store is another process\u2019s too: it is not written over, and an operator is told', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const one = world.device(path);
  await writeEntries(one, 1);
  const two = world.device(`${path}-other`);
  await writeEntries(two, 1);
  const { head } = (await world.heads.load(CHAIN))!;
  world.clock.advance(AUDIT_CHECKPOINT_MS);
  await until('an alarm', () => world.alarms.length > 0);
  assert.match(world.alarms[0]!, /checkpoint of the audit log could not be made/);
  assert.equal((await world.heads.load(CHAIN))!.head.node, head.node);
  await Promise.all([one.close(), two.close()]);
});

test('a store that fails holds up no entry; the checkpoint is made when it is back', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, 1);
  world.storage.beforeCommit = () => Promise.reject(new Error('no store'));
  world.clock.advance(AUDIT_CHECKPOINT_MS);
  await until('an alarm', () => world.alarms.length === 1);
  await writeEntries(device, 3);
  world.storage.beforeCommit = undefined;
  const before = (await world.heads.load(CHAIN))!.head.seq;
  world.clock.advance(AUDIT_CHECKPOINT_MS);
  await until('the head is kept', async () => (await world.heads.load(CHAIN))!.head.seq > before + 3);
  await device.close();
});

test('a store that never answers does not keep a closing device', async () => {
  const world = makeChainWorld();
  const device = world.device(fresh());
  await writeEntries(device, 1);
  world.storage.beforeCommit = () => new Promise(() => {});
  let isClosed = false;
  const closed = device.close().then(() => {
    isClosed = true;
  });
  await until('a checkpoint', () => {
    world.clock.advance(AUDIT_CHECKPOINT_MS);
    return isClosed;
  });
  await closed;
});

test('rotated keys: the next checkpoint shows them', async () => {
  const world = makeChainWorld();
  const path = fresh();
  const device = world.device(path);
  await writeEntries(device, 1);
  world.rotateKeys();
  world.clock.advance(AUDIT_CHECKPOINT_MS);
  await until('a second checkpoint', () => checkpointsIn(path).length === 2);
  await device.close();
  const [start, periodic, stop] = checkpointsIn(path).map(({ checkpoint }) => checkpoint);
  assert.notDeepEqual(periodic!.keys, start!.keys);
  assert.deepEqual(periodic!.public_keys, world.signer.current().keys);
  assert.equal(stop!.public_keys, undefined);
});

/** An output in memory that takes as much of a write as it is told to. */
function brittle() {
  const state = { text: '', takes: undefined as number | undefined };
  const output: Output = {
    open: async () => {},
    reopen: async () => {},
    close: async () => {},
    async write(bytes) {
      const taken = state.takes ?? bytes.length;
      const torn = state.text !== '' && !state.text.endsWith('\n');
      state.text += (torn && taken > 0 ? '\n' : '') + bytes.subarray(0, taken).toString();
      if (taken < bytes.length) throw new WriteBroke(taken, new Error('full'));
    },
  };
  return { state, output };
}

test('a write that breaks off: whole lines count, the torn one is named by the next, and no number is lost', async () => {
  const world = makeChainWorld();
  const { state, output } = brittle();
  const sink = makeLineSink(output, {
    makeLinker: (turns) =>
      makeChain(
        {
          id: CHAIN,
          device: 'file/',
          node: 'n1',
          heads: world.heads,
          signer: world.signer,
          clock: world.clock,
          now: world.clock.wallMs,
          alarm: () => {},
        },
        output,
        turns,
      ),
  });
  await sink.write('{"n":0}');
  const whole = '{"n":1},"chain":"cccccccccccccccc","seq":3,"prev":""}'.length + 64;
  state.takes = whole + 5;
  const lost = await Promise.allSettled([sink.write('{"n":1}'), sink.write('{"n":2}')]);
  assert.deepEqual(
    lost.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  state.takes = 3;
  await assert.rejects(sink.write('{"n":3}'));
  state.takes = undefined;
  await sink.write('{"n":4}');
  const lines = state.text.split('\n').slice(1, -1);
  const torn = [lines[2]!, lines[3]!];
  assert.deepEqual(
    lines.map((line) => linkOf(line)?.seq),
    [2, 3, undefined, undefined, 4],
  );
  const last = JSON.parse(lines[4]!);
  assert.equal(last.prev, sha256(lines[1]!));
  assert.deepEqual(
    last.torn,
    torn.map((text) => ({ bytes: text.length, hash: sha256(text) })),
  );
  await sink.close();
});
