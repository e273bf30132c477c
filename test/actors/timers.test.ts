import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headPath, SHARDS, shardOf, timedActor, timerPath, timerPrefix } from '../../src/actors/places.ts';
import { makeDueTimers } from '../../src/actors/timers.ts';
import { actorKey } from '../../src/model/actor.ts';
import { TIMER_RETRY_MS } from '../../src/model/limits.ts';
import { PLAIN_NAMES } from '../support/cluster.ts';
import { makeMemoryStorage } from '../support/memory-storage.ts';
import { settle } from '../support/turns.ts';

const idOf = (name: string) => ({ kind: 'thing', namespace: 'root', mount: 'm', name });
const pathOf = (name: string, dueMs: number) =>
  timerPath(actorKey(idOf(name)), headPath(PLAIN_NAMES, idOf(name)), dueMs);

/** Lets everything that is ready run. */

interface Hooks {
  /** What an actor does instead of what is usual; undefined: that. */
  onWake?(name: string): Promise<'done' | 'not wanted' | undefined>;
}

/** Timers over a store, and a clock that moves when told. Actors that fire take their entry away. */
function make() {
  const hooks: Hooks = {};
  const storage = makeMemoryStorage();
  const fired: string[] = [];
  const faults: unknown[] = [];
  const clock = { ms: 1_000_000, running: 0 };
  let alarm: { at: number; run: () => void } | undefined;
  const timers = makeDueTimers({
    storage,
    names: PLAIN_NAMES,
    now: () => clock.ms,
    after(run, ms) {
      const mine = { at: clock.running + ms, run };
      alarm = mine;
      return {
        clear() {
          if (alarm === mine) alarm = undefined;
        },
      };
    },
    async wake(id, dueMs) {
      const outcome = await hooks.onWake?.(id.name);
      if (outcome) return outcome;
      fired.push(id.name);
      await storage.commit([{ path: pathOf(id.name, dueMs), value: undefined }], []);
      return 'done';
    },
    fault: (_what, error) => faults.push(error),
  });
  return {
    storage,
    fired,
    faults,
    clock,
    hooks,
    timers,
    async put(name: string, dueMs: number, tell = true) {
      const path = pathOf(name, dueMs);
      await storage.commit([{ path, value: new Uint8Array(0) }], []);
      if (tell) timers.set(path, dueMs);
    },
    /** Time passes, by both clocks. */
    async pass(ms: number) {
      const end = clock.running + ms;
      for (;;) {
        await settle();
        const next = alarm;
        if (next === undefined || next.at > end) break;
        alarm = undefined;
        clock.ms += next.at - clock.running;
        clock.running = next.at;
        next.run();
      }
      clock.ms += end - clock.running;
      clock.running = end;
    },
  };
}

describe('due timers', () => {
  test('thousands fire, each once, none early', async () => {
    const world = make();
    const dueOf = new Map<string, number>();
    for (let n = 0; n < 1_500; n++) {
      const due = world.clock.ms + ((n * 7_919) % 20_000);
      dueOf.set(`t${n}`, due);
      await world.put(`t${n}`, due, n % 2 === 0);
    }
    const late: string[] = [];
    world.hooks.onWake = async (name) => {
      if (world.clock.ms < dueOf.get(name)!) late.push(name);
      return undefined;
    };
    // Half of them were there before the start, and nobody told.
    await world.timers.start();
    await world.pass(10_000);
    const half = world.fired.length;
    assert(half > 500 && half < 1_000, `${half} after half the time`);
    await world.pass(12_000);
    assert.deepEqual(late, []);
    assert.equal(world.fired.length, 1_500);
    assert.equal(new Set(world.fired).size, 1_500);
    assert.deepEqual(world.storage.paths('timer/'), []);
    await world.timers.stop();
  });

  test('more than a page in one shard', async () => {
    const world = make();
    // One actor's timers lie in one shard.
    for (let n = 0; n < 700; n++) await world.put('one', world.clock.ms - n, false);
    await world.timers.start();
    await world.pass(100);
    assert.equal(world.fired.length, 700);
  });

  test('what fails is tried again, and does not hold up the others', async () => {
    const world = make();
    await world.timers.start();
    let tries = 0;
    world.hooks.onWake = async (name) => {
      if (name === 'bad' && ++tries < 3) throw new Error('not now');
      return undefined;
    };
    await world.put('bad', world.clock.ms + 10);
    await world.put('good', world.clock.ms + 10);
    await world.pass(100);
    assert.deepEqual(world.fired, ['good']);
    await world.pass(2 * TIMER_RETRY_MS + 100);
    assert.deepEqual(world.fired, ['good', 'bad']);
    assert.equal(world.faults.length, 2);
  });

  test('a store that cannot list for a while makes nothing forgotten', async () => {
    const world = make();
    await world.timers.start();
    await world.put('a', world.clock.ms + 10);
    const { list } = world.storage;
    world.storage.list = () => Promise.reject(new Error('no list'));
    await world.pass(100);
    world.storage.list = list;
    assert.deepEqual(world.fired, []);
    await world.pass(TIMER_RETRY_MS + 100);
    assert.deepEqual(world.fired, ['a']);
  });

  test('a clock that steps: forwards fires within a second, backwards forgets nothing', async () => {
    const world = make();
    await world.timers.start();
    await world.put('far', world.clock.ms + 3_600_000);
    await world.pass(100);
    world.clock.ms += 3_600_000;
    await world.pass(1_100);
    assert.deepEqual(world.fired, ['far']);

    // Set back while it fires: its actor finds that it is not the time, and leaves the entry.
    let early = true;
    world.hooks.onWake = async () => {
      if (!early) return undefined;
      early = false;
      world.clock.ms -= 60_000;
      return 'done';
    };
    await world.put('back', world.clock.ms + 10);
    await world.pass(100);
    assert.deepEqual(world.fired, ['far']);
    await world.pass(70_000);
    assert.deepEqual(world.fired, ['far', 'back']);
  });

  test('an entry nobody wants goes; one that was put again meanwhile stays', async () => {
    const world = make();
    await world.timers.start();
    world.hooks.onWake = async (name) => {
      if (name === 'again') await world.put('again', 1_000_010, false);
      return 'not wanted';
    };
    await world.put('left over', world.clock.ms + 10);
    await world.put('again', 1_000_010);
    await world.pass(100);
    assert.deepEqual(world.storage.paths('timer/'), [pathOf('again', 1_000_010)]);
    assert.deepEqual(world.faults, [], 'and that is nothing to complain of');
  });

  test('an entry of format 3 says under its name whom to wake', async () => {
    const world = make();
    const id = idOf('older');
    const path = `${timerPrefix(shardOf(actorKey(id)))}000000001000010/nvTjwSQ6PzR0n6vLmYpEaA`;
    await world.storage.commit([{ path, value: Buffer.from('["thing","root","m","older"]') }], []);
    world.hooks.onWake = async (name) => {
      world.fired.push(name);
      return 'not wanted';
    };
    await world.timers.start();
    await world.pass(100);
    assert.deepEqual(world.fired, ['older']);
    assert.deepEqual(world.storage.paths('timer/'), []);
  });

  test('security: an entry that was moved to another shard wakes nobody there, and goes', async () => {
    const world = make();
    const path = pathOf('a', world.clock.ms + 10);
    const elsewhere =
      timerPrefix((shardOf(actorKey(idOf('a'))) + 1) % SHARDS) + path.slice(timerPrefix(0).length);
    await world.storage.commit([{ path: elsewhere, value: new Uint8Array(0) }], []);
    await world.timers.start();
    await world.pass(100);
    assert.deepEqual(world.fired, []);
    assert.deepEqual(world.storage.paths('timer/'), []);
    assert.deepEqual(world.faults, []);
  });

  test('a path says whose timer it is, whatever the name', () => {
    for (const name of ['a', 'a/b/c', 'folder/', 'ümläut 😀', 'a//b']) {
      const path = timerPath(actorKey(idOf(name)), headPath(PLAIN_NAMES, idOf(name)), 1_234);
      assert.deepEqual(timedActor(PLAIN_NAMES, path), idOf(name));
    }
    assert.throws(() => timedActor(PLAIN_NAMES, 'timer/0001/000000000001234/short'));
  });

  test('stopped, it fires no more; started again, it finds all', async () => {
    const world = make();
    await world.timers.start();
    await world.put('a', world.clock.ms + 10);
    await world.timers.stop();
    await world.pass(5_000);
    assert.deepEqual(world.fired, []);
    await world.timers.start();
    await world.pass(10);
    assert.deepEqual(world.fired, ['a']);
  });

  test('every shard has a prefix of its own', () => {
    assert.equal(new Set(Array.from({ length: SHARDS }, (_, shard) => timerPrefix(shard))).size, SHARDS);
  });
});
