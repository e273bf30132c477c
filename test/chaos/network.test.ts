import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSimulatedGlobals } from '../../chaos-tests/sim/globals.ts';
import { makeNetwork } from '../../chaos-tests/sim/network.ts';
import { makeProcess, type SimProcess } from '../../chaos-tests/sim/process.ts';
import { makeRandom } from '../../chaos-tests/sim/random.ts';
import { makeScheduler } from '../../chaos-tests/sim/scheduler.ts';
import { makeTrace } from '../../chaos-tests/sim/trace.ts';
import type { Transport } from '../../src/model/transport.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

function makeTwo(seed = 1) {
  const random = makeRandom(seed);
  const scheduler = makeScheduler(makeTrace());
  const network = makeNetwork(scheduler, random.fork('network'));
  const events: string[] = [];
  const transports = new Map<string, Transport>();
  const processes = new Map<string, SimProcess>();
  const start = (name: string, other: string) => {
    const process =
      processes.get(name) ?? makeProcess(name, scheduler, random.fork(name), { rate: 1, wallOffsetMs: 0 });
    processes.set(name, process);
    process.start(() => {
      const transport = network.connect(process, name);
      transports.set(name, transport);
      transport.onPeer((peer, change) => events.push(`${name}: ${peer} ${change}`));
      transport.onMessage(({ peer, bytes }) => void events.push(`${name} hears ${text(bytes)} of ${peer}`));
      transport.onRequest(async ({ bytes }) => Buffer.from(`${text(bytes)}!`));
      transport.keep([{ peer: other, addresses: [] }]);
      void transport.start();
    });
  };
  start('a', 'b');
  start('b', 'a');
  const runFor = (ms: number) => {
    const endMs = scheduler.nowMs + ms;
    scheduler.at(endMs, '', () => {});
    return withSimulatedGlobals(scheduler, () => scheduler.run(() => scheduler.nowMs >= endMs));
  };
  /** Something that `name` does in a turn of its own. */
  const does = (name: string, run: (transport: Transport) => void) =>
    processes.get(name)!.later(0, name, () => run(transports.get(name)!));
  return { network, scheduler, events, processes, transports, start, runFor, does };
}

test('two nodes link, send and ask', async () => {
  const { events, runFor, does, transports } = makeTwo();
  await runFor(1_000);
  assert.deepEqual(transports.get('a')!.peers(), ['b']);
  assert.deepEqual(events.toSorted(), ['a: b up', 'b: a up']);
  const replies: string[] = [];
  does('a', (transport) => {
    transport.send('b', Buffer.from('hello'));
    void transport.request('b', Buffer.from('well')).then((bytes) => replies.push(text(bytes)));
  });
  await runFor(1_000);
  assert(events.includes('b hears hello of a'));
  assert.deepEqual(replies, ['well!']);
});

test('whoever dials first, both end up on one link', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { events, runFor, does } = makeTwo(seed);
    await runFor(1_000);
    does('a', (transport) => transport.send('b', Buffer.from('one')));
    does('b', (transport) => transport.send('a', Buffer.from('two')));
    await runFor(1_000);
    assert.deepEqual(events.slice(-2).toSorted(), ['a hears two of b', 'b hears one of a'], `seed ${seed}`);
  }
});

test('a short cut one way holds messages; a long one breaks the link, and it comes back once mended', async () => {
  const { network, events, runFor, does } = makeTwo();
  await runFor(1_000);
  events.length = 0;
  const mendShort = network.cut('a', 'b');
  does('a', (transport) => transport.send('b', Buffer.from('held')));
  does('b', (transport) => transport.send('a', Buffer.from('the other way')));
  await runFor(300);
  assert.deepEqual(events, ['a hears the other way of b']);
  mendShort();
  await runFor(300);
  assert(events.includes('b hears held of a'));
  events.length = 0;
  const mendLong = network.cut('a', 'b');
  const failures: string[] = [];
  does('a', (transport) => {
    transport.request('b', Buffer.from('lost')).catch((error) => failures.push(error.code));
  });
  await runFor(6_000);
  assert.deepEqual(failures, ['connection_lost']);
  assert.deepEqual(events.toSorted(), ['a: b down', 'b: a down']);
  mendLong();
  await runFor(2_000);
  assert.deepEqual(events.slice(2).toSorted(), ['a: b up', 'b: a up']);
});

test('a request to who never answers ends by its own deadline; who crashed and came back is down, then up', async () => {
  const { network, events, runFor, does, processes, start } = makeTwo();
  await runFor(1_000);
  const failures: string[] = [];
  processes.get('b')!.pause();
  does('a', (transport) => {
    transport.request('b', Buffer.from('x'), { timeoutMs: 500 }).catch((error) => failures.push(error.code));
  });
  await runFor(2_000);
  assert.deepEqual(failures, ['deadline']);
  processes.get('b')!.resume();
  events.length = 0;
  processes.get('b')!.crash();
  network.died('b');
  await runFor(100);
  start('b', 'a');
  await runFor(3_000);
  assert.equal(events[0], 'a: b down');
  assert.deepEqual(events.slice(1).toSorted(), ['a: b up', 'b: a up']);
});
