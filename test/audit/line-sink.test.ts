import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLineSink, type Output } from '../../src/audit/line-sink.ts';
import { AUDIT_GROUP_LINES_MAX, AUDIT_WAITING_LINES_MAX } from '../../src/model/limits.ts';

/** An output that notes what it is asked, and finishes a write when told to. */
function fakeOutput() {
  const calls: string[] = [];
  const writes: { finish(): void; fail(error: Error): void }[] = [];
  const note = (what: string) => async (): Promise<void> => {
    calls.push(what);
  };
  const output: Output = {
    open: note('open'),
    reopen: note('reopen'),
    close: note('close'),
    write: (bytes) => {
      calls.push(bytes.toString());
      return new Promise((finish, fail) => writes.push({ finish, fail }));
    },
  };
  return { calls, writes, output };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('all lines of one turn leave in one write, those of the next turns in the next one', async () => {
  const { calls, writes, output } = fakeOutput();
  const sink = makeLineSink(output);
  const first = [sink.write('a'), sink.write('b')];
  await turn();
  await turn();
  const second = [sink.write('c')];
  await turn();
  second.push(sink.write('d'));
  assert.deepEqual(calls, ['a\nb\n']);
  writes[0]!.finish();
  await Promise.all(first);
  await turn();
  assert.deepEqual(calls, ['a\nb\n', 'c\nd\n']);
  writes[1]!.finish();
  await Promise.all(second);
});

test('no line is acknowledged before its write has ended', async () => {
  const { writes, output } = fakeOutput();
  let written = false;
  const line = makeLineSink(output)
    .write('a')
    .then(() => {
      written = true;
    });
  await turn();
  await turn();
  assert.equal(written, false);
  writes[0]!.finish();
  await line;
});

test('a failed write fails its own lines only', async () => {
  const { writes, output } = fakeOutput();
  const sink = makeLineSink(output);
  const lost = Promise.allSettled([sink.write('a'), sink.write('b')]);
  await turn();
  await turn();
  writes[0]!.fail(new Error('no'));
  assert.deepEqual(
    (await lost).map((one) => one.status),
    ['rejected', 'rejected'],
  );
  const good = sink.write('c');
  await turn();
  await turn();
  writes[1]!.finish();
  await good;
});

test('reopening and closing wait for the write that runs; closing writes what waits; then all is refused', async () => {
  const { calls, writes, output } = fakeOutput();
  const sink = makeLineSink(output);
  const first = sink.write('a');
  await turn();
  await turn();
  const reopened = sink.reopen();
  const second = sink.write('b');
  const closed = sink.close();
  assert.deepEqual(calls, ['a\n']);
  writes[0]!.finish();
  await Promise.all([first, reopened]);
  await turn();
  assert.deepEqual(calls, ['a\n', 'reopen', 'b\n']);
  writes[1]!.finish();
  await Promise.all([second, closed]);
  assert.deepEqual(calls.at(-1), 'close');
  await assert.rejects(sink.write('c'), /closed/);
});

test('what has collected goes out in several writes, each with a bound, in order', async () => {
  const { calls, writes, output } = fakeOutput();
  const sink = makeLineSink(output);
  const first = sink.write('first');
  await turn();
  await turn();
  const rest = Array.from({ length: 2 * AUDIT_GROUP_LINES_MAX + 1 }, (_, n) => sink.write(`${n}`));
  const closed = sink.close();
  for (let n = 0; n < 4; n++) {
    writes[n]!.finish();
    for (let turns = 0; turns < 5; turns++) await turn();
  }
  await Promise.all([first, ...rest, closed]);
  assert.deepEqual(
    calls.slice(0, -1).map((text) => text.split('\n').length - 1),
    [1, AUDIT_GROUP_LINES_MAX, AUDIT_GROUP_LINES_MAX, 1],
  );
  assert.deepEqual(
    calls.slice(1, -1).join('').split('\n').slice(0, -1),
    rest.map((_, n) => `${n}`),
  );
});

test('so many lines may wait, and no more', async () => {
  const sink = makeLineSink(fakeOutput().output);
  for (let n = 0; n < AUDIT_WAITING_LINES_MAX; n++) {
    assert(!sink.isFull());
    void sink.write('x');
  }
  assert(sink.isFull());
  await assert.rejects(sink.write('x'), /too much waits/);
});

test('what waits for a device that hangs is bounded', async () => {
  const { writes, output } = fakeOutput();
  const sink = makeLineSink(output);
  const line = 'x'.repeat(64 * 1024 * 1024);
  const waiting = [1, 2, 3].map(() => sink.write(line));
  await assert.rejects(sink.write(line), /too much waits/);
  for (let n = 0; n < waiting.length; n++) {
    for (let turns = 0; turns < 5; turns++) await turn();
    writes[n]!.finish();
  }
  await Promise.all(waiting);
});
