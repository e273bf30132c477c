import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACTOR_FAULT } from '../../src/actors/faults.ts';
import { makeWake } from '../../src/cluster/waking.ts';
import type { ActorId, ActorKind, Cluster } from '../../src/model/actor.ts';

const ID: ActorId = { kind: 'clock', namespace: 'root', mount: 'm', name: 'a' };

/** An actor whose state says that it is due at `dueMs`, and who notes what it does. */
function waking(dueMs: number | undefined, faults?: ReadonlySet<string>) {
  const acted: unknown[] = [];
  const kind = {
    kind: 'clock',
    dueAt: (state: { dueMs: number | undefined }) => state.dueMs,
    onDue: async (state: unknown) => void acted.push(state),
  } as unknown as ActorKind<unknown>;
  const actors = { kind: () => kind, send: async () => ({ dueMs }) };
  const wake = makeWake(
    () => actors as unknown as ReturnType<Parameters<typeof makeWake>[0]>,
    () => undefined as unknown as Cluster,
    faults,
  );
  return { wake, acted };
}

test('a due actor acts if its state still says that instant', async () => {
  const { wake, acted } = waking(1_000);
  assert.equal(await wake(ID, 1_000), 'done');
  assert.deepEqual(acted, [{ dueMs: 1_000 }]);
});

test('an actor that is due at another time, or at none, does not act', async () => {
  for (const dueMs of [2_000, 500, undefined]) {
    const { wake, acted } = waking(dueMs);
    assert.equal(await wake(ID, 1_000), 'not wanted');
    assert.deepEqual(acted, []);
  }
});

test('planted: a timer that fires whatever the state says is seen', async () => {
  const { wake, acted } = waking(2_000, new Set([ACTOR_FAULT.timerFiresWithoutDue]));
  assert.equal(await wake(ID, 1_000), 'done');
  assert.equal(acted.length, 1);
});
