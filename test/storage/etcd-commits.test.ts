import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DriverWrite } from '../../src/storage/driver.ts';
import { makeEtcdDriver } from '../../src/storage/etcd.ts';
import type { EtcdClient, EtcdTxn } from '../../src/storage/etcd-client.ts';
import { encodeCommits, isFlat } from '../../src/storage/etcd-commits.ts';
import { ETCD_MESSAGES } from '../../src/storage/etcd-messages.ts';
import { encodeMessage } from '../../src/storage/protobuf.ts';

const PREFIX = Buffer.from('coffer/');

const key = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ minLength: 1, unit: 'grapheme', maxLength: 90 }),
);
const write = fc.record({
  changes: fc.array(
    fc.record({
      key,
      value: fc.option(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        { nil: undefined },
      ),
    }),
    { maxLength: 4 },
  ),
  conditions: fc.array(fc.record({ key, version: fc.oneof(fc.nat(300), fc.maxSafeNat()) }), { maxLength: 4 }),
  count: fc.constant(1),
  // Nobody may rely on it: markers count less than they are.
  bytes: fc.constant(0),
}) satisfies fc.Arbitrary<DriverWrite>;

test('it is what the table of messages makes of the same transaction', () => {
  const keyOf = (text: string) => Buffer.concat([PREFIX, Buffer.from(text)]);
  fc.assert(
    fc.property(fc.array(write, { maxLength: 6 }), (writes) => {
      const compare = writes.flatMap(({ conditions }) =>
        conditions.map((each) => ({
          target: 'MOD',
          key: keyOf(each.key),
          mod_revision: String(each.version),
        })),
      );
      const success = writes.flatMap(({ changes }) =>
        changes.map((each) =>
          each.value === undefined
            ? { request_delete_range: { key: keyOf(each.key) } }
            : { request_put: { key: keyOf(each.key), value: each.value } },
        ),
      );
      const expected = encodeMessage(ETCD_MESSAGES, 'TxnRequest', { compare, success });
      assert.equal(encodeCommits(PREFIX, writes).toString('hex'), expected.toString('hex'));
    }),
  );
});

const one = (name: string, changes: number, conditions: number): DriverWrite => ({
  changes: Array.from({ length: changes }, (_, i) => ({ key: `${name}/${i}`, value: Buffer.from('v') })),
  conditions: Array.from({ length: conditions }, (_, i) => ({ key: `${name}/${i}`, version: 1 })),
  count: changes,
  bytes: 10,
});

test('what changes nothing is not asked so: etcd would answer it from what one member has applied', () => {
  assert.equal(isFlat([one('a', 0, 1), one('b', 0, 2)]), false);
  assert.equal(isFlat([one('a', 0, 1), one('b', 1, 2)]), true);
});

test('no list is longer than etcd takes', () => {
  const many = (count: number, conditions: number) =>
    Array.from({ length: count }, (_, i) => one(`${i}`, 1, conditions));
  assert.equal(isFlat(many(64, 2)), true);
  assert.equal(isFlat(many(65, 2)), false);
  assert.equal(isFlat(many(128, 0)), true);
  assert.equal(isFlat(many(129, 0)), false);
});

/** An etcd that answers what is sent flat so, and each nested transaction as done, but for those of a stale key. */
function makeDriver(flat: () => Promise<{ revision: number; succeeded: boolean }>) {
  const sent: ('flat' | EtcdTxn)[] = [];
  const client = {
    async commit() {
      sent.push('flat');
      return flat();
    },
    async txn(txn: EtcdTxn) {
      sent.push(txn);
      const responses = (txn.success ?? []).map((each) => {
        if (!('request_txn' in each)) return { response_put: {} };
        const key = String(each.request_txn.compare?.[0]?.key);
        if (!key.includes('stale')) return { response_txn: { succeeded: true } };
        return { response_txn: { responses: [{ response_range: { kvs: [{ mod_revision: '2' }] } }] } };
      });
      return { header: { revision: '8' }, responses };
    },
  } as unknown as EtcdClient;
  return { driver: makeEtcdDriver(client, 'c/'), sent };
}

test('commits whose conditions hold go in one transaction without nested ones', async () => {
  const { driver, sent } = makeDriver(async () => ({ revision: 7, succeeded: true }));
  assert.deepEqual(await driver.send([one('a', 1, 1), one('b', 2, 2)]), [{ version: 7 }, { version: 7 }]);
  assert.deepEqual(sent, ['flat']);
});

test('where one does not hold, nothing was written, and each is sent with an outcome of its own', async () => {
  const { driver, sent } = makeDriver(async () => ({ revision: 7, succeeded: false }));
  const outcomes = await driver.send([one('a', 1, 1), one('stale', 1, 1), one('b', 1, 1)]);
  assert.deepEqual(outcomes, [{ version: 8 }, { failed: 0 }, { version: 8 }]);
  assert.equal(sent.length, 2);
});

test('what is unknown of the first transaction is not sent again', async () => {
  const { driver, sent } = makeDriver(() => Promise.reject(new Error('lost')));
  await assert.rejects(driver.send([one('a', 1, 1)]), /lost/);
  assert.deepEqual(sent, ['flat']);
});

test('conditions alone are looked at with ranges beside them', async () => {
  const { driver, sent } = makeDriver(async () => ({ revision: 7, succeeded: true }));
  await driver.send([one('a', 0, 1)]);
  assert.notEqual(sent[0], 'flat');
});
