import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameHash, makePasswords } from '../../../src/auth/userpass/password.ts';

const passwords = makePasswords(() => Buffer.alloc(32, 7));

test('one mount, name and password give one hash; any other gives another', async () => {
  const hash = await passwords.hash('m', 'bob', 'pw');
  assert.deepEqual(await passwords.hash('m', 'bob', 'pw'), hash);
  for (const [mount, name, password] of [
    ['n', 'bob', 'pw'],
    ['m', 'bo', 'pw'],
    ['m', 'bob', 'pW'],
  ] as const)
    assert.notDeepEqual(await passwords.hash(mount, name, password), hash);
  const other = makePasswords(() => Buffer.alloc(32, 8));
  assert.notDeepEqual(await other.hash('m', 'bob', 'pw'), hash);
  assert(isSameHash(hash, hash.toString('base64')));
});

test('where none rests nothing is the same, not even a hash of zeros', () => {
  assert(!isSameHash(Buffer.alloc(32), undefined));
  assert(!isSameHash(Buffer.alloc(32, 1), undefined));
  assert(!isSameHash(Buffer.alloc(32, 1), Buffer.alloc(32, 2).toString('base64')));
});

test('more than may wait are refused at once, and a refused one takes no place', async () => {
  const few = makePasswords(() => Buffer.alloc(32, 7), { atOnce: 2, waitingMax: 3 });
  const settled = await Promise.allSettled(Array.from({ length: 8 }, () => few.hash('m', 'bob', 'pw')));
  assert.deepEqual(
    settled.map((each) => (each.status === 'fulfilled' ? 'done' : each.reason.code)),
    [...Array(5).fill('done'), ...Array(3).fill('overloaded')],
  );
  await few.hash('m', 'bob', 'pw');
});
