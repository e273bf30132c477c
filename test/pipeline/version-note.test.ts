import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeVersionNote, noteVersion } from '../../src/pipeline/version-note.ts';

interface Run {
  run(): void;
  ms: number;
}

function world() {
  const entries = new Map<string, unknown>();
  const queue: Run[] = [];
  const made: unknown[] = [];
  let failing = 0;
  const note = makeVersionNote({
    catalog: {
      entries: () => entries,
      async change(change, params) {
        if (failing > 0) {
          failing--;
          throw new Error('not now');
        }
        made.push(params);
        const { patch, reply } = change.run(entries, params, undefined as never);
        for (const [key, value] of Object.entries(patch ?? {})) entries.set(key, value);
        return reply;
      },
    },
    key: 'version-history/1',
    now: () => 7,
    after(run, ms) {
      const one = { run, ms };
      queue.push(one);
      return { clear: () => void queue.splice(queue.indexOf(one), 1) };
    },
    retryMs: 5,
  });
  const step = async () => {
    const { run, ms } = queue.shift()!;
    run();
    await new Promise(setImmediate);
    return ms;
  };
  return { note, entries, queue, made, step, fail: (times: number) => (failing = times) };
}

test('noted once, by whoever is first', async () => {
  const { note, entries, step, made, queue } = world();
  note.open();
  await step();
  assert.deepEqual([...entries], [['version-history/1', 7]]);
  note.close();
  note.open();
  await step();
  assert.equal(made.length, 1);
  assert.deepEqual(queue, []);
  const { patch } = noteVersion.run(entries, { key: 'version-history/1', atMs: 9 }, undefined as never);
  assert.equal(patch, undefined);
});

test('what fails is tried again, until sealed', async () => {
  const { note, entries, step, queue, fail } = world();
  fail(2);
  note.open();
  assert.deepEqual([await step(), await step(), await step()], [0, 5, 5]);
  assert.equal(entries.size, 1);
  entries.clear();
  fail(1);
  note.open();
  await step();
  note.close();
  assert.deepEqual(queue, []);
});
