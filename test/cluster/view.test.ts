import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SHARDS } from '../../src/actors/places.ts';
import { FAULT } from '../../src/cluster/faults.ts';
import { decodeMember, encodeMember, type MemberRecord } from '../../src/cluster/member-record.ts';
import { place } from '../../src/cluster/placement.ts';
import { BadRecord } from '../../src/cluster/record-fields.ts';
import {
  decodeView,
  encodeView,
  newerView,
  ownerOf,
  shardsLostBy,
  shardsOf,
  type View,
} from '../../src/cluster/view.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
const members = [
  { inc: A, nodeId: 'n1', weight: 1 },
  { inc: B, nodeId: 'n2', weight: 1.5 },
];
const alone = members.slice(0, 1);
const first: View = {
  epoch: 3,
  last: 3,
  members: alone,
  shards: place(alone, []),
  next: undefined,
  protocol: 1,
  sealed: false,
};
const pending: View = {
  ...first,
  last: 4,
  next: { number: 4, members, shards: place(members, first.shards) },
};
const record: MemberRecord = {
  nodeId: 'n1',
  peerId: 'peer',
  addresses: ['/ip4/127.0.0.1/tcp/8201'],
  apiAddress: 'https://127.0.0.1:8200',
  clusterAddress: 'https://127.0.0.1:8201',
  weight: 1,
  zone: 'a',
  speaks: [1, 2],
  release: '0.1.0',
  storageId: 's',
  beat: 7,
  state: 'member',
  ready: true,
  ack: 4,
  unreachable: [B],
  sealed: false,
  clusterTime: 1_750_000_000_000,
};
const damaged = (bytes: Uint8Array, change: (fields: Record<string, unknown>) => void): Uint8Array => {
  const fields = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
  change(fields);
  return Buffer.from(JSON.stringify(fields));
};

test('a view is read as it was written, with and without a proposal, and without members', () => {
  const empty: View = { ...first, members: [], shards: [] };
  for (const view of [first, pending, empty]) assert.deepEqual(decodeView(encodeView(view)), view);
  assert.equal(ownerOf(empty, 0), undefined);
  assert.equal(ownerOf(first, SHARDS - 1), A);
});

test('what a proposal takes from a member', () => {
  const lost = shardsLostBy(pending, A);
  assert.deepEqual(lost, shardsOf(pending.next!, B));
  assert(lost.length > 0);
  assert.deepEqual(shardsLostBy(pending, B), []);
  assert.deepEqual(shardsLostBy(first, A), []);
});

test('a view that breaks its rules is neither written nor believed', () => {
  const bad: View[] = [
    { ...first, epoch: 4 },
    { ...first, epoch: 0 },
    { ...first, members: [...alone, ...alone] },
    { ...first, shards: first.shards.slice(1) },
    { ...first, shards: first.shards.with(5, B) },
    { ...pending, last: 3 },
    { ...first, last: 9, next: { number: 9, members: [], shards: [] } },
  ];
  for (const view of bad) assert.throws(() => encodeView(view));
  const good = encodeView(pending);
  const changes: ((fields: Record<string, unknown>) => void)[] = [
    (fields) => (fields.format = 2),
    (fields) => (fields.epoch = 5),
    (fields) => (fields.epoch = '3'),
    (fields) => (fields.shards = ''),
    (fields) => (fields.shards = Buffer.alloc(SHARDS * 2, 1).toString('base64')),
    (fields) => (fields.members = [['short', 'n1', 1]]),
    (fields) => (fields.members = [[A, 'n1', Number.MAX_VALUE]]),
    (fields) => (fields.sealed = 0),
    (fields) => (fields.next = []),
  ];
  for (const change of changes) assert.throws(() => decodeView(damaged(good, change)), BadRecord);
  const more = damaged(good, (fields) => (fields.later = true));
  assert.deepEqual(decodeView(more), pending, 'a field of a later release is let be');
});

test('a member’s record is read as it was written; what is damaged is not believed', () => {
  const good = encodeMember(record);
  assert.deepEqual(decodeMember(good), record);
  for (const field of Object.keys(record)) {
    assert.throws(() => decodeMember(damaged(good, (fields) => delete fields[field])), BadRecord, field);
  }
  assert.throws(() => decodeMember(damaged(good, (fields) => (fields.state = 'gone'))), BadRecord);
  assert.throws(() => decodeMember(damaged(good, (fields) => (fields.weight = -1))), BadRecord);
});

test('any bytes are a record or a BadRecord', () => {
  const check = (bytes: Uint8Array): void => {
    for (const decode of [decodeView, decodeMember]) {
      try {
        decode(bytes);
      } catch (error) {
        assert(error instanceof BadRecord, String(error));
      }
    }
  };
  fc.assert(fc.property(fc.uint8Array(), check));
  fc.assert(fc.property(fc.json(), (text) => check(Buffer.from(text))));
  const some = fc.dictionary(
    fc.constantFrom(...Object.keys(JSON.parse(String(encodeView(pending))))),
    fc.jsonValue(),
  );
  fc.assert(fc.property(some, (fields) => check(Buffer.from(JSON.stringify({ format: 1, ...fields })))));
});

test('the newer record wins, whichever answer comes last', () => {
  const older = { value: encodeView(first), version: 10 };
  const newer = { value: encodeView(pending), version: 12 };
  const held = newerView(newerView(undefined, newer), older)!;
  assert.equal(held.version, 12);
  assert.equal(held.view.last, 4);
  assert.equal(newerView(held, undefined), held, 'an absent record is no newer one');
  const faulty = newerView(held, older, new Set([FAULT.olderViewAccepted]));
  assert.equal(faulty?.version, 10);
});
