import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeClusterTime } from '../../src/cluster/cluster-time.ts';
import { SKEW_MS } from '../../src/model/limits.ts';

function make() {
  const clock = { mono: 5_000, wall: 1_000_000 };
  const alarms: string[] = [];
  const time = makeClusterTime({
    clock: { monotonicMs: () => clock.mono, wallMs: () => clock.wall, after: () => ({ clear() {} }) },
    alarm: (text) => alarms.push(text),
  });
  return { clock, alarms, time };
}

describe('cluster time', () => {
  test('begins with the wall clock, and follows the monotonic one', () => {
    const { clock, time, alarms } = make();
    time.join([]);
    assert.equal(time.now(), 1_000_000);
    clock.mono += 1_500;
    clock.wall -= 900_000;
    assert.equal(time.now(), 1_001_500);
    time.check();
    time.check();
    assert.equal(alarms.length, 1);
    clock.wall = 1_001_500;
    time.check();
    clock.wall += SKEW_MS + 1;
    time.check();
    assert.equal(alarms.length, 2);
  });

  test('begins with the highest of the members, whatever the wall clock says', () => {
    const { time } = make();
    time.join([700_000, 900_000, 800_000]);
    assert.equal(time.now(), 900_000);
  });

  test('who comes back goes by the members again, also where its own clock ran ahead', () => {
    const { clock, time } = make();
    time.join([900_000]);
    clock.mono += 1_000;
    time.join([900_500]);
    assert.equal(time.now(), 900_500);
    time.join([950_000]);
    assert.equal(time.now(), 950_000);
  });

  test('where there is no member it goes on, but not behind what the dead have lived by', () => {
    const { clock, time } = make();
    time.join([900_000]);
    clock.mono += 1_000;
    time.passed([900_500]);
    time.join([]);
    assert.equal(time.now(), 901_000);
    time.passed([950_000, 940_000]);
    time.join([]);
    assert.equal(time.now(), 950_000);
  });

  test('is raised to one that is a little ahead, never lowered; far ahead is an alarm', () => {
    const { time, alarms } = make();
    time.see(1_000_000 + SKEW_MS);
    assert.equal(time.now(), 1_000_000 + SKEW_MS);
    time.see(1_000_000);
    assert.equal(time.now(), 1_000_000 + SKEW_MS);
    assert.deepEqual(alarms, []);
    time.see(time.now() + SKEW_MS + 1);
    assert.equal(time.now(), 1_000_000 + SKEW_MS);
    assert.equal(alarms.length, 1);
  });
});
