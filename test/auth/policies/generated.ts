/**
 * Random policies and paths that have a chance to meet.
 *
 * @module
 */
import fc from 'fast-check';
import type { Capability } from '../../../src/auth/policies/capabilities.ts';
import type { PlainRule } from './reference.ts';

const segment = fc.constantFrom('a', 'b', 'ab', 'x+y');
const patternSegment = fc.oneof(
  { weight: 3, arbitrary: segment },
  { weight: 2, arbitrary: fc.constant('+') },
  fc.constantFrom('+a', 'b*c'),
);

const pattern = fc
  .tuple(
    fc.array(patternSegment, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '', '*', '/', '/*', 'a*'),
  )
  .map(([segments, end]) => segments.join('/') + end)
  .filter((path) => !path.includes('+*'));

export const path = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constantFrom('+a', '+a', 'b*c', '+')), { minLength: 1, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([segments, slash]) => segments.join('/') + (slash ? '/' : ''));

const capability = fc.constantFrom<Capability>('create', 'read', 'update', 'delete', 'list', 'sudo', 'patch');
const capabilities = fc.oneof(
  { weight: 5, arbitrary: fc.uniqueArray(capability, { minLength: 1, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant<Capability[]>(['deny']) },
  { weight: 1, arbitrary: fc.constant<Capability[]>([]) },
);

export const rules: fc.Arbitrary<PlainRule[]> = fc.array(fc.record({ path: pattern, capabilities }), {
  minLength: 1,
  maxLength: 12,
});

/** The rules as the text of a policy. */
export function policyText(rules: readonly PlainRule[]): string {
  return rules
    .map(
      ({ path, capabilities }) =>
        `path ${JSON.stringify(path)} {\n  capabilities = ${JSON.stringify(capabilities)}\n}\n`,
    )
    .join('');
}
