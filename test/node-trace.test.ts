import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Moved } from '../src/cluster/moved.ts';
import type { Post } from '../src/cluster/post.ts';
import type { View } from '../src/cluster/view.ts';
import type { LogLevel } from '../src/model/log.ts';
import type { Incoming } from '../src/model/transport.ts';
import { activationTrace, tracedPost, viewTrace } from '../src/node-trace.ts';
import { makeLog } from '../src/observe/log.ts';

function logAt(level: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const log = makeLog({ level, format: 'json', write: (line) => lines.push(JSON.parse(line)) });
  return { log, lines };
}

const MEMBERS = [{ nodeId: 'a' }, { nodeId: 'b' }];
const VIEW = { epoch: 7, members: MEMBERS } as unknown as View;

test('a view is told at debug, with its nodes', () => {
  for (const [level, count] of [
    ['info', 0],
    ['debug', 1],
    ['trace', 1],
  ] as const) {
    const { log, lines } = logAt(level);
    viewTrace(log)(VIEW, true);
    assert.equal(lines.length, count, level);
    if (count > 0)
      assert.deepEqual([lines[0]!.epoch, lines[0]!.members, lines[0]!.entered], [7, 'a b', true]);
  }
});

test('an actor is told at trace, without its name', () => {
  const id = { kind: 'token', namespace: 'root', mount: 'token', name: 'an-accessor' };
  const { log, lines } = logAt('trace');
  activationTrace(log)(id);
  assert.equal(lines[0]!.kind, 'token');
  assert(!JSON.stringify(lines).includes('an-accessor'));
  const silent = logAt('debug');
  activationTrace(silent.log)(id);
  assert.deepEqual(silent.lines, []);
});

/** @param answer - of who is asked */
function posts(level: LogLevel, answer: () => unknown) {
  const { log, lines } = logAt(level);
  let handler: ((value: unknown, from: Incoming) => unknown) | undefined;
  const plain = {
    request: async () => answer(),
    onRequest(_kind: string, given: typeof handler) {
      handler = given;
    },
  } as unknown as Post;
  const post = tracedPost(plain, log, (peer) => (peer === 'p1' ? 'node-1' : undefined));
  post.onRequest('end', answer);
  return { post, lines, ask: () => handler!('secret-value', { peer: 'p2' } as Incoming) };
}

for (const level of ['info', 'trace'] as const)
  test(`replies and refusals go through as they are; at ${level} they are ${level === 'trace' ? '' : 'not '}told`, async () => {
    const moved = new Moved(3);
    const well = posts(level, () => 'secret-reply');
    assert.equal(await well.post.request('p1', 'end', 'secret-value'), 'secret-reply');
    assert.equal(await well.ask(), 'secret-reply');
    const badly = posts(level, () => {
      throw moved;
    });
    await assert.rejects(badly.post.request('p1', 'end', 'secret-value'), (error) => error === moved);
    await assert.rejects(
      async () => badly.ask(),
      (error) => error === moved,
    );
    const told = [...well.lines, ...badly.lines];
    assert(!JSON.stringify(told).includes('secret'));
    const shown = told.map((line) => [line['@message'], line.node, line.what, line.outcome === 'answered']);
    const expected = [
      ['asked', 'node-1', 'end', true],
      ['was asked', 'p2', 'end', true],
      ['asked', 'node-1', 'end', false],
      ['was asked', 'p2', 'end', false],
    ];
    assert.deepEqual(shown, level === 'trace' ? expected : []);
  });
