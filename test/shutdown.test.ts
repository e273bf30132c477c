import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeSteps } from '../src/shutdown.ts';

test('each step is taken in order, though the ones before fail or never end; all failures are told', async () => {
  const taken: string[] = [];
  const step = (name: string, run: () => Promise<void> = async () => {}) => ({
    name,
    run: () => {
      taken.push(name);
      return run();
    },
  });
  const steps = [
    step('first'),
    step('fails', () => Promise.reject(new Error('broken'))),
    step('hangs', () => new Promise(() => {})),
    step('throws', () => {
      throw new Error('at once');
    }),
    step('last'),
  ];
  await assert.rejects(takeSteps(steps, 20), (error: AggregateError) => {
    assert.deepEqual(
      error.errors.map(({ message }: Error) => message),
      ['broken', 'hangs did not end within 20 ms', 'at once'],
    );
    return true;
  });
  assert.deepEqual(taken, ['first', 'fails', 'hangs', 'throws', 'last']);
  await takeSteps([step('again')], 20);
});
