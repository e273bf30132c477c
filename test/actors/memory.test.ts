import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  decodeGone,
  decodeHead,
  encodeGone,
  encodeHead,
  hasRoom,
  headOf,
  keptReply,
  type Memory,
  NO_MEMORY,
  type Remembered,
  replyBytes,
  stillAsked,
} from '../../src/actors/memory.ts';
import { CLIENT_ENTRIES_MAX, OUTCOME_BYTES_MAX, REMEMBER_MS } from '../../src/model/limits.ts';

const replies = fc.option(
  fc.uint8Array({ maxLength: OUTCOME_BYTES_MAX }).map((bytes) => keptReply(Buffer.from(bytes))),
  { nil: undefined },
);
const remembered: fc.Arbitrary<Remembered> = fc
  .tuple(fc.maxSafeNat(), fc.maxSafeNat(), replies)
  .map(([n, atMs, reply]) => ({ n, atMs, reply }));
const memories: fc.Arbitrary<Memory> = fc
  .array(fc.tuple(fc.string({ unit: 'grapheme' }), remembered))
  .map((entries) => new Map(entries));
/** No kind's encoding begins with the mark. */
const heads = fc.uint8Array({ maxLength: 300 }).filter((head) => head[0] !== 0xfe);

describe('the memory of outcomes', () => {
  test('comes back from a head as it was, and the head with it', () => {
    fc.assert(
      fc.property(memories, heads, (memory, head) => {
        const record = encodeHead(memory, head);
        const back = decodeHead(record);
        assert.deepEqual(new Map(back.memory), new Map(memory));
        assert.deepEqual(Buffer.from(back.head), Buffer.from(head));
        assert.deepEqual(Buffer.from(headOf(record)), Buffer.from(head));
      }),
    );
  });

  test('a head without one is what the kind encoded, byte for byte', () => {
    const head = Buffer.from('{"value":1}');
    assert.deepEqual(encodeHead(NO_MEMORY, head), head);
    assert.deepEqual(decodeHead(head), { memory: NO_MEMORY, head });
  });

  test('comes back from what is left of a deleted actor', () => {
    fc.assert(
      fc.property(memories, fc.maxSafeNat(), (memory, deletedAtMs) => {
        const back = decodeGone(encodeGone(deletedAtMs, memory));
        assert.equal(back.deletedAtMs, deletedAtMs);
        assert.deepEqual(new Map(back.memory), new Map(memory));
      }),
    );
  });

  test('damaged bytes are an error, or another memory, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeHead(Buffer.concat([Buffer.from([0xfe]), bytes]));
        } catch (error) {
          assert.match((error as Error).message, /damaged/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('forgets who has not written for REMEMBER, and no one else', () => {
    const reply = 'x';
    const before: Memory = new Map([
      ['old', { n: 1, atMs: 1_000, reply }],
      ['young', { n: 2, atMs: 1_001, reply }],
    ]);
    assert.deepEqual([...stillAsked(before, 1_001 + REMEMBER_MS).keys()], ['young']);
    assert.deepEqual([...stillAsked(before, 1_000 + REMEMBER_MS).keys()], ['old', 'young']);
    assert.equal(before.size, 2);
  });

  test('what clients number is bounded, and never in the way of entry nodes', () => {
    const reply = undefined;
    const full: Memory = new Map(
      Array.from({ length: CLIENT_ENTRIES_MAX }, (_, n) => [`id:${n}`, { n: 1, atMs: 1_000, reply }]),
    );
    assert(!hasRoom(full, { inc: 'id:new', n: 1 }, 1_000));
    assert(hasRoom(full, { inc: 'node', n: 1 }, 1_000));
    assert(hasRoom(full, { inc: 'id:new', n: 1 }, 1_001 + REMEMBER_MS));
  });

  test('an outcome of 512 bytes is kept, a longer one is not', () => {
    const bytes = Buffer.from(Array.from({ length: OUTCOME_BYTES_MAX }, (_, n) => n % 256));
    assert.deepEqual(replyBytes(keptReply(bytes)!), bytes);
    assert.equal(keptReply(Buffer.alloc(OUTCOME_BYTES_MAX + 1)), undefined);
  });
});
