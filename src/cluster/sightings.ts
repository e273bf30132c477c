/**
 * What a node has seen of the others' records, and since when on its own clock. The coordinator keeps no time: whoever wants to evict somebody
 * has watched the record stand still himself (protocol §2).
 *
 * @module
 */
import type { CoordinatorRecords } from '../model/coordinator.ts';
import { decodeMember, MEMBERS_PREFIX, type MemberRecord } from './member-record.ts';
import { BadRecord } from './record-fields.ts';

export interface Sighting {
  /** Of the record; 0: it is not there. */
  readonly version: number;
  /** When this version, or its absence, was first seen, on a clock that stands still while the coordinator does not answer. */
  readonly sinceMs: number;
  /** Absent where it is not there or cannot be read. */
  readonly record?: MemberRecord;
}

export interface Sightings {
  /**
   * Takes in all members' records as one question showed them.
   * @param expected - `inc`s whose absence is timed, too: the view's members.
   * @param look - number of the question: answers that another, later asked, has overtaken show nothing.
   */
  observe(records: CoordinatorRecords, expected: readonly string[], nowMs: number, look: number): void;
  get(inc: string): Sighting | undefined;
  all(): ReadonlyMap<string, Sighting>;
}

export function makeSightings(): Sightings {
  const seen = new Map<string, Sighting>();
  let latest = -1;
  return {
    observe(records, expected, nowMs, look) {
      if (look < latest) return;
      latest = look;
      for (const [key, { value, version }] of records) {
        if (!key.startsWith(MEMBERS_PREFIX)) continue;
        const inc = key.slice(MEMBERS_PREFIX.length);
        // Questions may be taken in another order than they were asked in.
        if ((seen.get(inc)?.version ?? -1) >= version) continue;
        seen.set(inc, { version, sinceMs: nowMs, record: readable(value) });
      }
      for (const inc of new Set([...seen.keys(), ...expected])) {
        if (records.has(MEMBERS_PREFIX + inc)) continue;
        if (!expected.includes(inc)) seen.delete(inc);
        else if (seen.get(inc)?.version !== 0) seen.set(inc, { version: 0, sinceMs: nowMs });
      }
    },
    get: (inc) => seen.get(inc),
    all: () => seen,
  };
}

/** Undefined: it is none that this release can read. */
export function readable(value: Uint8Array): MemberRecord | undefined {
  try {
    return decodeMember(value);
  } catch (error) {
    if (error instanceof BadRecord) return undefined;
    throw error;
  }
}
