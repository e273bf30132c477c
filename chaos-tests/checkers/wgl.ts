/**
 * Is a history linearizable? The search of Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's two improvements
 * ("Testing for linearizability", 2017): operations take effect just in time, when one of them returns, and configurations that were met are not
 * searched again.
 *
 * All configurations are carried along the history together, so memory is bounded by how many there can be at one instant,
 * whatever the history's length. An operation whose outcome is unknown may take effect at any time after its call, or never; of two
 * configurations that differ only in that one has used up more of these, only the other is carried.
 *
 * @module
 */

/** What the object does, one operation at a time. */
export interface Model<S, I, O> {
  readonly initial: S;
  /** The state after `input` answered `output`, or undefined where it cannot have. `output` undefined: nobody knows what it answered. */
  step(state: S, input: I, output: O | undefined): S | undefined;
  /** Equal exactly for equal states. */
  keyOf(state: S): string;
}

/** One operation on one object. */
export interface Operation<I, O> {
  readonly input: I;
  /** Undefined: the outcome is unknown. */
  readonly output: O | undefined;
  /** Instants in any unit. Of a call and a return at one instant the call comes first. */
  readonly calledAt: number;
  /** Undefined: never, and so for every unknown outcome. */
  readonly returnedAt: number | undefined;
}

export type Verdict<I, O> =
  | { readonly kind: 'linearizable' }
  /** `operation` returned what no order of what ran beside it explains; `states`: what the object could have been then. */
  | { readonly kind: 'violation'; readonly operation: Operation<I, O>; readonly states: readonly string[] }
  /** More configurations at one instant than the bound. */
  | { readonly kind: 'undecided'; readonly operation: Operation<I, O> };

export interface WglOptions {
  /** Configurations at one instant. */
  readonly configurationsMax?: number;
}

const CONFIGURATIONS_MAX = 20_000;

/** A state, and which of the operations under way have taken effect already. */
interface Configuration<S> {
  readonly state: S;
  readonly stateKey: string;
  /** Numbers of operations that will return, rising. */
  readonly known: readonly number[];
  /** Numbers of operations with unknown outcome, rising. */
  readonly unknown: readonly number[];
}

interface Step<I, O> {
  readonly at: number;
  readonly isReturn: boolean;
  readonly number: number;
  readonly operation: Operation<I, O>;
}

function stepsOf<I, O>(operations: readonly Operation<I, O>[]): Step<I, O>[] {
  const steps = operations.flatMap((operation, number): Step<I, O>[] => {
    const call = { at: operation.calledAt, isReturn: false, number, operation };
    if (operation.output === undefined || operation.returnedAt === undefined) return [call];
    return [call, { at: operation.returnedAt, isReturn: true, number, operation }];
  });
  return steps.sort((a, b) => a.at - b.at || Number(a.isReturn) - Number(b.isReturn) || a.number - b.number);
}

export function checkLinearizable<S, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  { configurationsMax = CONFIGURATIONS_MAX }: WglOptions = {},
): Verdict<I, O> {
  const initial = { state: model.initial, stateKey: model.keyOf(model.initial), known: [], unknown: [] };
  let frontier: Configuration<S>[] = [initial];
  const pending = new Map<number, Operation<I, O>>();
  for (const { isReturn, number, operation } of stepsOf(operations)) {
    if (!isReturn) {
      pending.set(number, operation);
      continue;
    }
    const after = returned(model, frontier, pending, number, configurationsMax);
    if (after === undefined) return { kind: 'undecided', operation };
    if (after.length === 0) {
      const states = [...new Set(frontier.map(({ stateKey }) => stateKey))].slice(0, 8);
      return { kind: 'violation', operation, states };
    }
    frontier = after;
    pending.delete(number);
  }
  return { kind: 'linearizable' };
}

/** All configurations in which operation `number` has taken effect, with as much before it as it needs. Undefined: too many. */
function returned<S, I, O>(
  model: Model<S, I, O>,
  frontier: readonly Configuration<S>[],
  pending: ReadonlyMap<number, Operation<I, O>>,
  number: number,
  configurationsMax: number,
): Configuration<S>[] | undefined {
  const met = new Carried<S>();
  const after = new Carried<S>();
  const work: Configuration<S>[] = [];
  for (const configuration of frontier) {
    if (configuration.known.includes(number)) after.add(without(configuration, number));
    else if (met.add(configuration)) work.push(configuration);
  }
  // A queue, not a stack: those that used up fewer unknown ones come first, and what they cover need not be searched.
  for (let at = 0; at < work.length; at++) {
    const configuration = work[at]!;
    if (met.size + after.size > configurationsMax) return undefined;
    for (const [other, operation] of pending) {
      const next = applied(model, configuration, other, operation, pending);
      if (!next) continue;
      if (other === number) after.add(without(next, number));
      else if (met.add(next)) work.push(next);
    }
  }
  return after.all();
}

function applied<S, I, O>(
  model: Model<S, I, O>,
  configuration: Configuration<S>,
  number: number,
  operation: Operation<I, O>,
  pending: ReadonlyMap<number, Operation<I, O>>,
): Configuration<S> | undefined {
  const isUnknown = operation.output === undefined;
  if ((isUnknown ? configuration.unknown : configuration.known).includes(number)) return undefined;
  const state = model.step(configuration.state, operation.input, operation.output);
  if (state === undefined) return undefined;
  const stateKey = model.keyOf(state);
  if (!isUnknown)
    return { state, stateKey, known: inserted(configuration.known, number), unknown: configuration.unknown };
  // One that changes nothing is left for later: whoever has it still in hand can do all that this one could.
  if (stateKey === configuration.stateKey) return undefined;
  // Of equal ones the first goes first: any order of them looks the same.
  const text = JSON.stringify(operation.input);
  for (const [earlier, twin] of pending) {
    if (earlier >= number) break;
    if (twin.output !== undefined || configuration.unknown.includes(earlier)) continue;
    if (JSON.stringify(twin.input) === text) return undefined;
  }
  return { state, stateKey, known: configuration.known, unknown: inserted(configuration.unknown, number) };
}

function without<S>(configuration: Configuration<S>, number: number): Configuration<S> {
  return { ...configuration, known: configuration.known.filter((one) => one !== number) };
}

function inserted(numbers: readonly number[], number: number): number[] {
  const at = numbers.findIndex((one) => one > number);
  return at < 0 ? [...numbers, number] : [...numbers.slice(0, at), number, ...numbers.slice(at)];
}

function isSubset(part: readonly number[], whole: readonly number[]): boolean {
  let at = 0;
  for (const number of part) {
    while (at < whole.length && whole[at]! < number) at++;
    if (whole[at] !== number) return false;
  }
  return true;
}

/** Configurations, without those that another one covers: same state, same known ones, and no unknown one used that the other has not used. */
class Carried<S> {
  readonly #groups = new Map<string, Configuration<S>[]>();
  size = 0;

  /** False where it is covered already. */
  add(configuration: Configuration<S>): boolean {
    const key = `${configuration.known.join(',')}|${configuration.stateKey}`;
    const group = this.#groups.get(key) ?? [];
    if (group.some((one) => isSubset(one.unknown, configuration.unknown))) return false;
    const kept = group.filter((one) => !isSubset(configuration.unknown, one.unknown));
    kept.push(configuration);
    this.size += kept.length - group.length;
    this.#groups.set(key, kept);
    return true;
  }

  all(): Configuration<S>[] {
    return [...this.#groups.values()].flat();
  }
}
