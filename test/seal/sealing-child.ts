/**
 * A process that opens a barrier, uses it, seals it, and then says so and waits. Its keys come from its parent, masked: the only plain
 * copies are those that our code makes.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { writeSync } from 'node:fs';
import { makeSeal } from '../../src/seal/seal.ts';
import { makeSealedStorage } from '../../src/seal/sealed-storage.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';

/** Hex of the keys, 32 bytes each, every byte with MASK over it. */
const [masked = '', mode = ''] = process.argv.slice(2);
const MASK = 0xa5;
const pool = Buffer.from(masked, 'hex');
let draws = 0;

function draw(bytes: number): Uint8Array {
  const drawn = new Uint8Array(new ArrayBuffer(bytes));
  if (bytes < 32 || bytes > 96) return randomFillSync(drawn);
  for (let i = 0; i < 32; i++) drawn[i] = pool[draws * 32 + i]! ^ MASK;
  draws++;
  return drawn;
}

const seal = makeSeal({ storage: makeMemoryStorage(), randomBytes: draw, now: Date.now });
const sealed = makeSealedStorage(makeMemoryStorage(), seal.barrier);

async function use(): Promise<void> {
  await sealed.commit([{ path: 'a', value: Buffer.from('value') }], []);
  await sealed.get('a');
  seal.barrier.openName('c/', seal.barrier.sealName('c/', 'name'));
  seal.barrier.derive('token accessor').fill(0);
}

const keys = await seal.init({ shares: 3, threshold: 2 });
await use();
await seal.rotate();
await use();
await seal.seal();
for (const key of keys.slice(0, 2)) await seal.unseal(key);
await use();
for (const key of keys) key.fill(0);
if (mode !== 'open') await seal.seal();
writeSync(1, `sealed ${draws}\n`);
setInterval(() => {}, 1_000);
