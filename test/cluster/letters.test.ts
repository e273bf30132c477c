/** What is no letter, or only part of one, authorizes nothing. @module */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Letter, readLetter, writeLetter } from '../../src/cluster/letters.ts';
import { packValue, unpackValue } from '../../src/model/value-codec.ts';

const LETTER: Letter = {
  epoch: 3,
  to: 'life',
  op: 'kv/read',
  id: { kind: 'kv', namespace: 'root', mount: 'm', name: 'one' },
  params: { a: 1 },
  entry: { inc: 'other', n: 7 },
  caller: undefined,
  mount: undefined,
  auth: { sections: [1, 2], byMs: 12.5, mayCreate: true, mayUpdate: false },
};
const [EPOCH, ENTRY, AUTH] = [0, 8, 11];

function isRefused(place: number, value: unknown): void {
  const written = writeLetter(LETTER);
  written[place] = value;
  const name = `${place}: ${JSON.stringify(value)}`;
  assert.throws(() => readLetter(unpackValue(packValue(written))), { code: 'unsupported' }, name);
}

test('a letter is read as it was written, with an authority and with the program’s own', () => {
  const crossed = (letter: Letter) => readLetter(unpackValue(packValue(writeLetter(letter))));
  assert.deepEqual(crossed(LETTER), LETTER);
  const own = { ...LETTER, entry: undefined, auth: undefined };
  assert.deepEqual(crossed(own), own);
});

test('an authority that is none is not taken for the program’s own', () => {
  for (const auth of [null, false, 0, '', true, 'all', {}]) isRefused(AUTH, auth);
});

test('an authority without its parts, or with others, never ends and covers all: it is refused', () => {
  const good: readonly unknown[] = [[1, 2], 12.5, true, false];
  for (const [at, wrong] of [
    [0, undefined],
    [0, 'x'],
    [0, [1, 'x']],
    [0, [Number.NaN]],
    [1, undefined],
    [1, Number.NaN],
    [1, '9'],
    [2, undefined],
    [2, 1],
    [3, 'false'],
  ] as const)
    isRefused(AUTH, good.with(at, wrong));
  isRefused(AUTH, []);
});

test('a number of a change that is none is refused', () => {
  for (const entry of [null, 0, true, [], ['x'], [1, 1], ['x', 'y'], ['x', 0], ['x', 1.5], ['x', Number.NaN]])
    isRefused(ENTRY, entry);
  for (const epoch of [Number.NaN, -1, 0.5, '1', undefined]) isRefused(EPOCH, epoch);
});

test('what is no letter at all', () => {
  for (const value of [undefined, null, 1, 'x', {}, [], [1, 2, 3]])
    assert.throws(() => readLetter(value), { code: 'unsupported' });
});
