/**
 * Changes wait in line at the node that let them in: it numbers them, and has at most one unanswered for each actor, so that the last number
 * is all that the actor must remember of it (protocol §9).
 *
 * @module
 */
import { type Entry, isOfClient } from '../actors/memory.ts';
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { ANEW_LOOK_MS, ANEW_MS } from '../model/limits.ts';
import type { Request } from '../model/request.ts';
import { clientEntry } from './client-entry.ts';

/** A change, as it stands in line. */
export interface Standing {
  /** Of its actor. */
  readonly key: string;
  /** Id of its operation. */
  readonly op: string;
  /** It uses something up. */
  readonly isUse?: true | undefined;
  readonly request: Pick<Request, 'isOver' | 'clientId'> | undefined;
  /** Accessor of the caller's token, or ''. */
  readonly accessor: string;
  /** How many may wait; one more is refused. */
  readonly max: number;
}

/**
 * Thrown by what runs where the change was refused, and nobody knows of an earlier try under the same number: were it authorized anew and
 * numbered anew, it could take effect twice.
 */
export class Unsettled extends Error {
  /** What to tell who sent it. */
  readonly told: CodedError;
  constructor(told: CodedError) {
    super('an earlier try may have taken effect');
    this.told = told;
  }
}

export interface ChangeLines {
  /**
   * Runs it under a number of its own once those before it, for the same actor, are answered.
   * @throws CodedError `overloaded`; `unavailable` where an earlier try of the same request may have taken effect, and nobody can tell
   */
  inTurn<R>(standing: Standing, run: (entry: Entry) => Promise<R>): Promise<R>;
  /** @see Cluster.isUnsettled */
  isUnsettled(request: object): boolean;
  /** Changes that are unanswered or wait. */
  count(): number;
}

/** The change that runs, and those behind it. */
interface Line {
  readonly waiting: (() => void)[];
  /** An unsettled change, whose request is being authorized anew: until it is back, nothing overtakes it. */
  kept: { readonly standing: Standing; readonly entry: Entry; timer: { clear(): void } } | undefined;
}

/** @param inc - of this node's life as it is now */
export function makeChangeLines(clock: Pick<Clock, 'after'>, inc: () => string): ChangeLines {
  const lines = new Map<string, Line>();
  /** Actors that a request with a client's own id has changed. */
  const ofClients = new WeakMap<object, Set<string>>();
  /** Actors of which a request has an unsettled change, which is kept, or gave its place up while the request was being authorized anew. */
  const unsettled = new WeakMap<object, Map<string, 'kept' | 'given up'>>();
  let last = 0;

  function pass(key: string, line: Line): void {
    const next = line.waiting.shift();
    if (next) next();
    else lines.delete(key);
  }

  function keep(line: Line, standing: Standing, entry: Entry, request: object): void {
    const ofRequest = unsettled.get(request) ?? new Map();
    unsettled.set(request, ofRequest.set(standing.key, 'kept'));
    let looks = ANEW_MS / ANEW_LOOK_MS;
    const look = (): void => {
      if (--looks > 0 && !standing.request?.isOver) {
        kept.timer = clock.after(look, ANEW_LOOK_MS);
        return;
      }
      line.kept = undefined;
      giveUp(standing, entry);
      pass(standing.key, line);
    };
    const kept = { standing, entry, timer: clock.after(look, ANEW_LOOK_MS) };
    line.kept = kept;
  }

  /** Numbered anew it could take effect twice, and its own number is one that later ones have overtaken; but a client's stays its own. */
  function giveUp({ key, request }: Standing, entry: Entry): void {
    if (request && !isOfClient(entry)) unsettled.get(request)?.set(key, 'given up');
  }

  /** The number of the change that was kept for this request, which goes on with it. */
  function takeKept(line: Line | undefined, { op, request }: Standing): Entry | undefined {
    const kept = line?.kept;
    if (!kept || !request || kept.standing.request !== request || kept.standing.op !== op) return undefined;
    kept.timer.clear();
    line.kept = undefined;
    return kept.entry;
  }

  /** Of a request's changes to one actor the first is known by the client's id: what follows from it can be repeated anyway. */
  function entryOf(standing: Standing): Entry {
    const { key, request } = standing;
    if (request?.clientId !== undefined && !standing.isUse) {
      const changed = ofClients.get(request) ?? new Set();
      ofClients.set(request, changed);
      if (!changed.has(key)) {
        changed.add(key);
        return clientEntry(request.clientId, standing.accessor, standing.op);
      }
    }
    return { inc: inc(), n: ++last };
  }

  return {
    async inTurn(standing, run) {
      const { key, request } = standing;
      const before = request && unsettled.get(request);
      if (before?.get(key) === 'given up') throw new CodedError('unavailable');
      const found = lines.get(key);
      const kept = takeKept(found, standing);
      let entry = kept;
      const line: Line = found ?? { waiting: [], kept: undefined };
      if (!found) lines.set(key, line);
      else if (!entry) {
        if (line.waiting.length >= standing.max) throw new CodedError('overloaded');
        await new Promise<void>((resolve) => line.waiting.push(resolve));
      }
      entry ??= entryOf(standing);
      /** An earlier try went out under this number, and nobody knows what became of it. */
      const goesOn = before?.has(key) === true && (kept !== undefined || isOfClient(entry));
      if (goesOn) before.delete(key);
      try {
        return await run(entry);
      } catch (error) {
        const told = error instanceof Unsettled ? error.told : error;
        const isToComeAgain = told instanceof CodedError && told.code === 'stale_claims';
        if (isToComeAgain && request) ofClients.get(request)?.delete(key);
        if (!(error instanceof Unsettled) && !(isToComeAgain && goesOn)) throw error;
        if (!request) throw new CodedError('unavailable');
        keep(line, standing, entry, request);
        throw told;
      } finally {
        if (!line.kept) pass(key, line);
      }
    },
    isUnsettled: (request) => (unsettled.get(request)?.size ?? 0) > 0,
    count() {
      let count = 0;
      for (const { waiting } of lines.values()) count += 1 + waiting.length;
      return count;
    },
  };
}
