import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../../src/actors/memory.ts';
import { makeChangeLines, Unsettled } from '../../src/cluster/change-lines.ts';
import { CodedError } from '../../src/model/errors.ts';

const CLOCK = { after: () => ({ clear() {} }) };

/** A line, and who sends the same operation to the same actor again and again, as a deletion in steps does. */
function stepping() {
  const lines = makeChangeLines(CLOCK, () => 'me');
  const request = { isOver: false, clientId: undefined };
  const numbers: number[] = [];
  return {
    numbers,
    isUnsettled: () => lines.isUnsettled(request),
    step: (outcome: 'more' | 'last' | 'in doubt', op = 'erase') =>
      lines.inTurn({ key: 'secret', op, request, accessor: '', max: 8 }, async ({ n }: Entry) => {
        numbers.push(n);
        if (outcome === 'in doubt') throw new Unsettled(new CodedError('stale_claims'));
        return outcome === 'more';
      }),
  };
}

test('a step of which nobody knows is the one that is sent again when its request begins anew', async () => {
  const { numbers, step, isUnsettled } = stepping();
  assert.equal(await step('more'), true);
  assert(!isUnsettled());
  await assert.rejects(step('in doubt'), { code: 'stale_claims' });
  assert(isUnsettled());
  // Authorized anew the request begins with its first step; what that was told stands already, and each step is like the other.
  assert.equal(await step('more'), true);
  assert(!isUnsettled());
  assert.equal(await step('last'), false);
  const [first, inDoubt, again, next] = numbers;
  assert.equal(again, inDoubt);
  assert.notEqual(inDoubt, first);
  assert(next! > again!);
});

test('the number of one operation is taken over by no other', async () => {
  const { numbers, step } = stepping();
  await assert.rejects(step('in doubt'), { code: 'stale_claims' });
  const other = step('last', 'write');
  await step('last');
  await other;
  assert.equal(numbers[1], numbers[0]);
  assert(numbers[2]! > numbers[1]!);
});
