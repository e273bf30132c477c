import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { readJepsenLog } from '../../chaos-tests/checkers/jepsen-log.ts';
import { type RegisterInput, type RegisterOutput, register } from '../../chaos-tests/checkers/register.ts';
import { checkLinearizable, type Model, type Operation } from '../../chaos-tests/checkers/wgl.ts';
import { byHand, missing } from '../support/missing.ts';

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

const folder = join(
  process.env.VECTORS_DIR ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url)),
  'jepsen-etcd',
);
const noVectors =
  process.env.VECTORS_DIR === undefined
    ? byHand('the Jepsen histories are not beside this checkout: set VECTORS_DIR')
    : missing('the Jepsen histories in VECTORS_DIR');

test('the 102 labelled histories of etcd: every verdict as published', (t) => {
  if (!existsSync(folder)) return t.skip(noVectors);
  const labels = JSON.parse(readFileSync(join(folder, 'linearizable.json'), 'utf8')) as Record<
    string,
    boolean
  >;
  assert.equal(Object.keys(labels).length, 102);
  let linearizable = 0;
  for (const [name, isLinearizable] of Object.entries(labels)) {
    const operations = readJepsenLog(gunzipSync(readFileSync(join(folder, `${name}.gz`))).toString('utf8'));
    assert(operations.length > 50, `${name}: ${operations.length} operations`);
    const { kind } = checkLinearizable(register, operations);
    assert.equal(kind, isLinearizable ? 'linearizable' : 'violation', name);
    if (kind === 'linearizable') linearizable++;
  }
  assert(linearizable > 10, `${linearizable} are linearizable`);
});

/** Every order of every subset of the unknown ones with all others, against the rule itself. */
function bruteForce<S, I, O>(model: Model<S, I, O>, operations: readonly Operation<I, O>[]): boolean {
  const search = (state: S, left: readonly Operation<I, O>[]): boolean => {
    if (left.every(({ output }) => output === undefined)) return true;
    return left.some((operation, at) => {
      const rest = left.filter((_, other) => other !== at);
      // It cannot come before one that had returned when it was called.
      if (rest.some(({ output, returnedAt }) => output !== undefined && returnedAt! < operation.calledAt))
        return false;
      const next = model.step(state, operation.input, operation.output);
      return next !== undefined && search(next, rest);
    });
  };
  return search(model.initial, operations);
}

const input: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.constant({ op: 'read' as const }),
  fc.record({ op: fc.constant('write' as const), value: fc.integer({ min: 0, max: 2 }) }),
  fc.record({
    op: fc.constant('cas' as const),
    from: fc.integer({ min: 0, max: 2 }),
    to: fc.integer({ min: 0, max: 2 }),
  }),
);

const operation = fc
  .record({
    input,
    from: fc.integer({ min: 0, max: 11 }),
    length: fc.integer({ min: 1, max: 6 }),
    isUnknown: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    value: fc.option(fc.integer({ min: 0, max: 2 }), { nil: null }),
    done: fc.boolean(),
  })
  .map(({ input: asked, from, length, isUnknown, value, done }): RegisterOperation => {
    let output: RegisterOutput | undefined = {};
    if (asked.op === 'read') output = { value };
    if (asked.op === 'cas') output = { done };
    if (isUnknown) output = undefined;
    // Odd and even, so that no call and return fall together.
    return { input: asked, output, calledAt: 2 * from, returnedAt: 2 * (from + length) + 1 };
  });

test('agrees with a search through all orders on tiny histories', () => {
  const found = { linearizable: 0, violation: 0 };
  fc.assert(
    fc.property(fc.array(operation, { minLength: 2, maxLength: 6 }), (operations) => {
      const { kind } = checkLinearizable(register, operations);
      assert.equal(kind, bruteForce(register, operations) ? 'linearizable' : 'violation');
      found[kind as keyof typeof found]++;
    }),
    { numRuns: 4_000 },
  );
  assert(found.linearizable > 200, JSON.stringify(found));
  assert(found.violation > 200, JSON.stringify(found));
});

/** What a register answers when clients run `inputs` one at a time, `width` of them open at once. */
function trueHistory(inputs: readonly RegisterInput[], width: number): RegisterOperation[] {
  let state: number | null = null;
  return inputs.map((asked, at) => {
    const found = state;
    if (asked.op === 'write') state = asked.value;
    if (asked.op === 'cas' && state === asked.from) state = asked.to;
    let output: RegisterOutput | undefined = {};
    if (asked.op === 'read') output = { value: found };
    if (asked.op === 'cas') output = { done: found === asked.from };
    if (at % 7 === 3) output = undefined;
    return { input: asked, output, calledAt: 10 * at - 10 * (at % width), returnedAt: 10 * at + 10 * width };
  });
}

test('a true history of any length is linearizable, with unknown outcomes in it; one wrong read is not', () => {
  fc.assert(
    fc.property(
      fc.array(input, { minLength: 20, maxLength: 120 }),
      fc.integer({ min: 1, max: 4 }),
      (inputs, width) => {
        const operations = trueHistory(inputs, width);
        assert.equal(checkLinearizable(register, operations).kind, 'linearizable');
        const wrong = { op: 'read' as const };
        const last = { input: wrong, output: { value: 99 }, calledAt: 1e6, returnedAt: 1e6 + 1 };
        assert.equal(checkLinearizable(register, [...operations, last]).kind, 'violation');
      },
    ),
    { numRuns: 60 },
  );
});

test('says that it cannot tell, rather than use memory without bound', () => {
  const operations = Array.from({ length: 12 }, (_, value): RegisterOperation => {
    return { input: { op: 'write', value }, output: {}, calledAt: value, returnedAt: 100 + value };
  });
  assert.equal(checkLinearizable(register, operations, { configurationsMax: 50 }).kind, 'undecided');
  assert.equal(checkLinearizable(register, operations).kind, 'linearizable');
});

test('names the operation that no order explains, and what the object could have been', () => {
  const verdict = checkLinearizable(register, [
    { input: { op: 'write', value: 1 }, output: {}, calledAt: 0, returnedAt: 1 },
    { input: { op: 'read' }, output: { value: 2 }, calledAt: 2, returnedAt: 3 },
  ]);
  assert(verdict.kind === 'violation');
  assert.deepEqual(verdict.operation.output, { value: 2 });
  assert.deepEqual(verdict.states, ['1']);
});
