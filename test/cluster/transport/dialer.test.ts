import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeDialer } from '../../../src/cluster/transport/dialer.ts';
import { REDIAL_MAX_MS, REDIAL_MIN_MS } from '../../../src/model/limits.ts';
import { makeManualClock } from '../../support/manual-clock.ts';

function setUp(random = () => 0.999) {
  const clock = makeManualClock(0);
  const dialed: string[] = [];
  const linked = new Set<string>();
  /** Addresses that answer. */
  const alive = new Set<string>();
  const failures: string[] = [];
  const dialer = makeDialer({
    clock,
    random,
    isLinked: (peer) => linked.has(peer),
    async dial(peer, address) {
      dialed.push(`${clock.monotonicMs()} ${address}`);
      if (!alive.has(address)) throw new Error('nobody there');
      linked.add(peer);
    },
    failed: (peer, address, error) => failures.push(`${peer} ${address} ${error.message}`),
  });
  /** Moves on in small steps, so that promises run between timers. */
  async function pass(ms: number): Promise<void> {
    const end = clock.monotonicMs() + ms;
    while (clock.monotonicMs() < end) {
      clock.advance(Math.min(10, end - clock.monotonicMs()));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { clock, dialed, linked, alive, failures, dialer, pass };
}

test('all addresses are tried in their order, then again after a pause that doubles', async () => {
  const { dialed, dialer, failures, pass } = setUp();
  dialer.keep([{ peer: 'P', addresses: ['one', 'two'] }]);
  await pass(60_000);
  const times = dialed.filter((line) => line.endsWith('one')).map((line) => Number(line.split(' ')[0]));
  assert.deepEqual(
    dialed.slice(0, 4).map((line) => line.split(' ')[1]),
    ['one', 'two', 'one', 'two'],
  );
  assert.equal(failures[0], 'P one nobody there');
  const pauses = times.slice(1).map((at, n) => at - times[n]!);
  assert(pauses[0]! <= REDIAL_MIN_MS + 20, String(pauses));
  for (let n = 1; n < pauses.length; n++) assert(pauses[n]! >= pauses[n - 1]! - 20, String(pauses));
  assert(Math.max(...pauses) <= REDIAL_MAX_MS + 20 && pauses.at(-1)! > REDIAL_MAX_MS / 2, String(pauses));
});

test('pauses differ between nodes by chance', async () => {
  const [low, high] = [setUp(() => 0), setUp(() => 0.999)];
  for (const { dialer, pass } of [low, high]) {
    dialer.keep([{ peer: 'P', addresses: ['one'] }]);
    await pass(2_000);
  }
  assert(low.dialed.length > high.dialed.length);
});

test('a link that lasted is dialed soon after it is lost, one that did not after a longer and longer pause', async () => {
  const { alive, clock, dialed, dialer, linked, pass } = setUp();
  alive.add('one');
  dialer.keep([{ peer: 'P', addresses: ['one'] }]);
  await pass(50);
  assert.equal(dialed.length, 1);
  await pass(10_000);
  assert.equal(dialed.length, 1, 'it is linked');
  const pauses: number[] = [];
  for (let n = 0; n < 9; n++) {
    const before = clock.monotonicMs();
    const count: number = dialed.length;
    linked.delete('P');
    dialer.lost('P', 1);
    while (dialed.length === count) await pass(10);
    pauses.push(clock.monotonicMs() - before);
  }
  assert(pauses[0]! <= REDIAL_MIN_MS + 20 && pauses.at(-1)! > REDIAL_MAX_MS / 2, String(pauses));
  linked.delete('P');
  dialer.lost('P', REDIAL_MAX_MS);
  await pass(REDIAL_MIN_MS + 20);
  assert(linked.has('P'), 'it had lasted');
});

test('when something has changed nobody waits for a pause to end', async () => {
  const { alive, dialed, dialer, linked, pass } = setUp();
  dialer.keep([{ peer: 'P', addresses: ['one'] }]);
  await pass(30_000);
  alive.add('one');
  const count = dialed.length;
  dialer.hurry();
  await pass(10);
  assert(linked.has('P'));
  assert.equal(dialed.length, count + 1);
  dialer.hurry();
  await pass(10_000);
  assert.equal(dialed.length, count + 1, 'it is linked');
});

test('who is not kept any more, or linked otherwise, is not dialed; new addresses are tried at once', async () => {
  const { alive, clock, dialed, dialer, linked, pass } = setUp();
  dialer.keep([{ peer: 'P', addresses: ['one'] }]);
  await pass(30_000);
  alive.add('two');
  dialer.keep([{ peer: 'P', addresses: ['two'] }]);
  await pass(20);
  assert(linked.has('P') && dialer.isKept('P'));
  dialer.keep([]);
  linked.delete('P');
  dialer.lost('P', 1_000_000);
  const count = dialed.length;
  await pass(30_000);
  assert.equal(dialed.length, count);
  assert.equal(clock.pending(), 0);

  dialer.keep([{ peer: 'Q', addresses: ['nowhere'] }]);
  await pass(500);
  linked.add('Q');
  const before = dialed.length;
  await pass(30_000);
  assert.equal(dialed.length, before, 'it dialed us');
  dialer.stop();
  assert.equal(clock.pending(), 0);
});
