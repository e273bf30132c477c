/** @module */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Moved } from '../../src/cluster/moved.ts';
import { makePost, wasAnswered } from '../../src/cluster/post.ts';
import { CodedError } from '../../src/model/errors.ts';
import { JsonNumber, RawJson } from '../../src/model/json.ts';
import { packValue } from '../../src/model/value-codec.ts';
import { makePostOffice } from '../support/post-office.ts';

function two() {
  const office = makePostOffice();
  const [a, b] = ['a', 'b'].map((peer) => makePost({ transport: office.connect(peer) }));
  return { office, a: a!, b: b! };
}

test('a request brings its value there and the reply back, at once or later', async () => {
  const { a, b } = two();
  b.onRequest('twice', (value, { peer }) => [value, value, peer]);
  b.onRequest('later', async (value) => value);
  const value = new Map([['n', new JsonNumber('1e3')]]);
  assert.deepStrictEqual(await a.request('b', 'twice', value), [value, value, 'a']);
  assert.deepStrictEqual(await a.request('b', 'later', new RawJson('{}')), new RawJson('{}'));
  assert.equal(await a.request('b', 'later', undefined), undefined);
});

test('a message arrives', async () => {
  const { a, b } = two();
  const heard = new Promise((resolve) => b.onMessage('hello', resolve));
  a.send('b', 'hello', { n: 1 });
  assert.deepStrictEqual(await heard, { n: 1 });
});

test('a refusal keeps code, texts, status and data; Moved its epoch; both are known as answers', async () => {
  const { a, b } = two();
  b.onRequest('refused', () => {
    throw new CodedError('bad_request', ['one', 'two'], { status: 412, data: { reason: 'so' } });
  });
  b.onRequest('moved', () => Promise.reject(new Moved(7)));
  await assert.rejects(a.request('b', 'refused', 1), (error: CodedError) => {
    assert(error instanceof CodedError && wasAnswered(error));
    assert.deepStrictEqual([error.code, error.messages, error.status], ['bad_request', ['one', 'two'], 412]);
    assert.deepStrictEqual(error.data, { reason: 'so' });
    return true;
  });
  await assert.rejects(
    a.request('b', 'moved', 1),
    (error) => error instanceof Moved && error.epoch === 7 && wasAnswered(error),
  );
});

test('what has no code tells nothing, and a kind that nobody knows is unsupported; neither counts as an answer', async () => {
  const { a, b } = two();
  b.onRequest('bug', () => {
    throw new Error('secret');
  });
  b.onRequest('unsendable', () => new Date());
  for (const [kind, code] of [
    ['bug', 'internal'],
    ['unsendable', 'internal'],
    ['unheard of', 'unsupported'],
  ] as const) {
    await assert.rejects(a.request('b', kind, 1), (error: CodedError) => {
      return error.code === code && !error.message.includes('secret') && !wasAnswered(error);
    });
  }
});

test('a lost link is no answer', async () => {
  const { office, a, b } = two();
  b.onRequest('slow', () => new Promise(() => {}));
  const asked = a.request('b', 'slow', 1);
  await new Promise((resolve) => setImmediate(resolve));
  office.cut('a', 'b');
  await assert.rejects(asked, (error: CodedError) => error.code === 'connection_lost' && !wasAnswered(error));
  await assert.rejects(a.request('b', 'slow', 1), { code: 'connection_lost' });
  assert.throws(() => a.send('b', 'slow', 1), { code: 'connection_lost' });
});

test('a kind has one handler', () => {
  const { a } = two();
  a.onRequest('k', () => 1);
  assert.throws(() => a.onRequest('k', () => 2), /two handlers for k/);
});

test('an answer that is none tells nothing: it is as if the link had been lost', async () => {
  const office = makePostOffice();
  const a = makePost({ transport: office.connect('a') });
  const answers: unknown[] = [undefined, 7, 'x', [], [9, 1], ['0', 1], {}];
  const other = office.connect('b');
  let next: unknown;
  other.onRequest(() => packValue(next));
  for (next of answers)
    await assert.rejects(a.request('b', 'k', 1), (error: CodedError) => {
      return error.code === 'connection_lost' && !wasAnswered(error);
    });
  // A client is answered with status and texts: they must be some.
  for (const [status, told] of [
    [Number.NaN, 409],
    ['500', 409],
    [200, 409],
    [412, 412],
  ]) {
    next = [1, 'conflict', ['no', 5, null], status];
    await assert.rejects(a.request('b', 'k', 1), (error: CodedError) => {
      assert.deepEqual([error.code, error.messages, error.status], ['conflict', ['no'], told]);
      return true;
    });
  }
});
