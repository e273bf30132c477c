import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import fc from 'fast-check';
import type { Barrier } from '../../src/seal/barrier.ts';
import { makeSeal, type Seal } from '../../src/seal/seal.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';

const storage = makeMemoryStorage();
const seal: Seal = makeSeal({ storage, randomBytes, now: Date.now });
const barrier: Barrier = seal.barrier;
const [key] = await seal.init({ shares: 1, threshold: 1 });
beforeEach(() => seal.unseal(key!));
const broken = { code: 'internal', message: /a stored name does not open/ };

test('any segment comes back under its context', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed()),
      (context, segment) => {
        const sealed = barrier.sealName(context, segment);
        assert.match(sealed, /^[A-Za-z0-9_-]{22,}$/);
        assert.equal(barrier.openName(context, sealed), segment);
        assert.equal(barrier.sealName(context, segment), sealed);
      },
    ),
  );
});

test('equal segments look equal under one context, and under no other', () => {
  const a = barrier.sealName('data/root/mount/kv/', 'password');
  assert.equal(barrier.sealName('data/root/mount/kv/', 'password'), a);
  const seen = ['data/root/other/kv/', 'data/root/mount/kv', 'data/root/mount/kv/x/'].map((context) =>
    barrier.sealName(context, 'password'),
  );
  assert.equal(new Set([a, ...seen]).size, 4);
  assert.notEqual(barrier.sealName('data/root/mount/kv/', 'Password'), a);
  assert.equal(a.length, Math.ceil(((16 + 8) * 4) / 3));
});

test('changed names, names of another context and other spellings do not open', () => {
  const name = barrier.sealName('c/', 'password');
  assert.throws(() => barrier.openName('d/', name), broken);
  for (const odd of [
    '',
    'x',
    `${name}=`,
    `${name}A`,
    name.slice(0, -1),
    `${name} `,
    `/${name}`,
    name.replace(/./, '*'),
  ]) {
    assert.throws(() => barrier.openName('c/', odd), broken, odd);
  }
  for (let i = 0; i < name.length; i++) {
    const other = name[i] === 'A' ? 'B' : 'A';
    assert.throws(() => barrier.openName('c/', name.slice(0, i) + other + name.slice(i + 1)), broken);
  }
});

test('two segments that UTF-8 would merge are not sealed', () => {
  assert.throws(() => barrier.sealName('c/', '\uD800'), { code: 'bad_request' });
});

test('names and derived keys outlive rotation and sealing; each purpose has its own', async () => {
  const name = barrier.sealName('c/', 'password');
  const derived = barrier.derive('token accessor');
  assert.equal(derived.length, 32);
  await seal.rotate();
  await seal.seal();
  await seal.unseal(key!);
  assert.equal(barrier.sealName('c/', 'password'), name);
  assert.deepEqual(barrier.derive('token accessor'), derived);
  assert.notDeepEqual(barrier.derive('token'), derived);
  barrier.derive('token accessor').fill(0);
  assert.deepEqual(barrier.derive('token accessor'), derived);
});

test('another store has other names', async () => {
  const other = makeSeal({ storage: makeMemoryStorage(), randomBytes, now: Date.now });
  await other.init({ shares: 1, threshold: 1 });
  assert.notEqual(other.barrier.sealName('c/', 'x'), barrier.sealName('c/', 'x'));
  assert.throws(() => other.barrier.openName('c/', barrier.sealName('c/', 'x')), broken);
});
