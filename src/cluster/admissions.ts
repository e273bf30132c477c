/**
 * Who may be a peer, besides proving the cluster's secret: one record of the coordinator names the identities that were barred for good, and those
 * that an operator has admitted where `cluster { approve = true }` asks for that. Sealed nodes read it, too, so it cannot lie behind the barrier:
 * who may write to the coordinator *and* knows the secret can let himself in.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import type { Identity } from '../model/cluster-control.ts';
import type { Coordinator, CoordinatorRecord } from '../model/coordinator.ts';
import { CodedError } from '../model/errors.ts';
import { ADMISSION_LOOK_MS, ADMISSION_TRIES, BEAT_MS, IDENTITIES_MAX } from '../model/limits.ts';
import type { Log } from '../model/log.ts';
import type { PeerId } from '../model/transport.ts';
import { ADMISSION_KEY, type AdmissionRecord, decodeAdmission, encodeAdmission } from './admission-record.ts';
import { MEMBERS_PREFIX } from './member-record.ts';
import { BadRecord } from './record-fields.ts';
import { readable } from './sightings.ts';

export interface AdmissionsOptions {
  readonly clock: Clock;
  readonly coordinator: Coordinator;
  readonly own: PeerId;
  readonly nodeId: string;
  /** An operator admits each new identity. */
  readonly approve: boolean;
  readonly log: Log;
  /** Who may come has changed: links are to be looked at again. */
  changed(): void;
  /** This node itself was barred: it is to drop its keys and stop. */
  barred?(): void;
}

export interface Admissions {
  readonly isApprovalNeeded: boolean;
  /** Resolves once the record was read, however long that takes; until then nobody is admitted. */
  start(): Promise<void>;
  isBarred(peer: PeerId): boolean;
  isAdmitted(peer: PeerId): boolean;
  /** Someone proved the secret who was not admitted. */
  onApplicant(peer: PeerId): void;
  /** Those that asked this node lately and are neither admitted nor barred. */
  applicants(): readonly { readonly peer: PeerId; readonly atMs: number }[];
  list(): Pick<AdmissionRecord, 'approved' | 'barred'>;
  /** Written when it resolves; other nodes see it when they next look, or are told to `look`. @throws CodedError */
  bar(peer: PeerId, nodeId: string): Promise<void>;
  approve(peer: PeerId, nodeId: string): Promise<void>;
  /** Reads it now. False: the coordinator did not answer. */
  look(): Promise<boolean>;
  stop(): void;
}

const NOTHING: AdmissionRecord = { approved: undefined, barred: [] };

export function makeAdmissions(options: AdmissionsOptions): Admissions {
  const { clock, coordinator, own, log } = options;
  const applicants = new Map<PeerId, number>();
  let version = -1;
  let record = NOTHING;
  let approved = new Set<PeerId>();
  let barred = new Set<PeerId>();
  let timer: { clear(): void } | undefined;
  let watch: { stop(): void } | undefined;
  let stopped = false;
  let isOut = false;

  function take(found: CoordinatorRecord | undefined): void {
    const newest = found?.version ?? 0;
    // Answers may pass each other. The record is never deleted by us: that it is not there is older than what is known of it.
    if (newest <= version) return;
    record = found ? decodeAdmission(found.value) : NOTHING;
    version = newest;
    approved = new Set(record.approved?.map(({ peer }) => peer));
    barred = new Set(record.barred.map(({ peer }) => peer));
    for (const peer of [...approved, ...barred]) applicants.delete(peer);
    options.changed();
    if (barred.has(own) && !isOut) {
      isOut = true;
      log.error('this node was removed from the cluster for good');
      options.barred?.();
    }
  }

  async function look(): Promise<boolean> {
    const seen = await coordinator.step({ conditions: [], changes: [], reads: [ADMISSION_KEY] });
    if (seen.outcome === 'unknown') return false;
    try {
      take(seen.records.get(ADMISSION_KEY));
      return true;
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      log.error('the record of admitted identities is not valid', { error });
      return false;
    }
  }

  /** Identities of the view's nodes, as their own records say. */
  async function present(): Promise<Identity[]> {
    const seen = await coordinator.step({ conditions: [], changes: [], lists: [MEMBERS_PREFIX] });
    if (seen.outcome === 'unknown') throw new CodedError('unavailable');
    const found: Identity[] = [];
    for (const { value } of seen.records.values()) {
      const record = readable(value);
      if (record?.state === 'member')
        found.push({ peer: record.peerId, nodeId: record.nodeId, atMs: clock.wallMs() });
    }
    return found;
  }

  /** Repeats until it is written, or stands there. */
  async function change(next: (record: AdmissionRecord) => AdmissionRecord | undefined): Promise<void> {
    for (let left = ADMISSION_TRIES; left > 0 && !stopped; left--) {
      if (await look()) {
        const wanted = next(record);
        if (wanted === undefined) return;
        const count = wanted.barred.length + (wanted.approved?.length ?? 0);
        if (count > IDENTITIES_MAX)
          throw new CodedError('too_large', `more than ${IDENTITIES_MAX} identities`);
        const value = encodeAdmission(wanted);
        const done = await coordinator.step({
          conditions: [{ key: ADMISSION_KEY, version }],
          changes: [{ key: ADMISSION_KEY, value }],
        });
        if (done.outcome === 'ok') return take({ value, version: done.version });
        if (done.outcome === 'refused') continue;
        // The answer was lost: the next look says what became of it.
      }
      await new Promise<void>((resolve) => void clock.after(resolve, BEAT_MS / 4));
    }
    throw new CodedError('unavailable');
  }

  /** With the first node that asks for approval, those that are members by then are approved; later ones ask. */
  async function found(): Promise<void> {
    if (!options.approve || record.approved !== undefined) return;
    const mine: Identity = { peer: own, nodeId: options.nodeId, atMs: clock.wallMs() };
    const others = (await present()).filter(({ peer }) => peer !== own);
    await change((now) => (now.approved === undefined ? { ...now, approved: [mine, ...others] } : undefined));
  }

  function round(): void {
    if (stopped) return;
    timer = clock.after(() => {
      void look().then(round);
    }, ADMISSION_LOOK_MS);
  }

  return {
    isApprovalNeeded: options.approve,
    async start() {
      while (!stopped) {
        try {
          if (await look()) {
            await found();
            break;
          }
        } catch (error) {
          log.warn('who may be a peer could not be read', { error });
        }
        await new Promise<void>((resolve) => void clock.after(resolve, BEAT_MS));
      }
      if (stopped) return;
      watch = coordinator.watch(ADMISSION_KEY, () => void look());
      round();
    },
    isBarred: (peer) => barred.has(peer),
    isAdmitted: (peer) => version >= 0 && !barred.has(peer) && (!options.approve || approved.has(peer)),
    onApplicant(peer) {
      // Before the record was read: it tries again, and is let in.
      if (!options.approve) return;
      applicants.delete(peer);
      applicants.set(peer, clock.wallMs());
      if (applicants.size <= IDENTITIES_MAX) return;
      const oldest = applicants.keys().next();
      if (!oldest.done) applicants.delete(oldest.value);
    },
    applicants: () => [...applicants].map(([peer, atMs]) => ({ peer, atMs })),
    list: () => record,
    bar: (peer, nodeId) =>
      change((now) => {
        if (now.barred.some((one) => one.peer === peer)) return undefined;
        return {
          approved: now.approved?.filter((one) => one.peer !== peer),
          barred: [...now.barred, { peer, nodeId, atMs: clock.wallMs() }],
        };
      }),
    approve: (peer, nodeId) =>
      change((now) => {
        if (now.barred.some((one) => one.peer === peer))
          throw new CodedError('bad_request', 'this identity was removed from the cluster for good');
        if (now.approved?.some((one) => one.peer === peer)) return undefined;
        return { ...now, approved: [...(now.approved ?? []), { peer, nodeId, atMs: clock.wallMs() }] };
      }),
    look,
    stop() {
      stopped = true;
      timer?.clear();
      watch?.stop();
    },
  };
}
