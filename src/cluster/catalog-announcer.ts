/**
 * Tells every member what a catalog section's owner has committed, and waits until each has applied it (protocol §10).
 *
 * Waited for are all members of the view and of the proposed one, looked at again with each view record: who cannot be reached either
 * applies it at last or is in neither any more, and who is in neither authorizes nothing.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { CATALOG_AGAIN_MS, CATALOG_AGAIN_MS_MAX, CATALOG_APPLY_MS } from '../model/limits.ts';
import type { CatalogNotice } from './catalog.ts';
import type { SectionName } from './catalog-section.ts';
import { CATALOG_FAULT, type Faults } from './faults.ts';
import type { Membership } from './membership-interface.ts';
import { Moved } from './moved.ts';
import type { Post } from './post.ts';
import { isMember, type View } from './view.ts';

export interface AnnouncerOptions {
  readonly post: Pick<Post, 'request' | 'onRequest'>;
  membership(): Pick<Membership, 'inc' | 'view' | 'members' | 'isInTime'>;
  readonly clock: Clock;
  /** `Catalog.receive`. */
  receive(notice: CatalogNotice): Promise<void>;
  readonly faults?: Faults;
}

export interface Announcer {
  /** Resolves when every member has applied it. @throws Moved where this node is a member no more. */
  tell(notice: CatalogNotice): Promise<void>;
  /** A view record, or a change of `isInTime`, has come. */
  look(): void;
  /** What waits is over: evicted. */
  dropAll(): void;
  /** As `dropAll`, and so is what comes from now on, until `open`: the node closes, and the others may close as well. */
  close(): void;
  open(): void;
}

const APPLY = 'catalog/apply';

interface Telling {
  readonly notice: CatalogNotice;
  /** Our life in which it was committed. */
  readonly inc: string;
  readonly applied: Set<string>;
  /** Members that are being told. */
  readonly sending: Map<string, AbortController>;
  end(error?: Error): void;
}

export function makeAnnouncer(options: AnnouncerOptions): Announcer {
  const { post, membership, clock, faults } = options;
  const tellings = new Set<Telling>();
  /** Until which change all members of this life were told. */
  const toldUntil = new Map<SectionName, number>();
  let isClosed = false;

  post.onRequest(APPLY, async (value) => {
    const { to, ...notice } = asNotice(value);
    // A copy of that member's folder, running elsewhere, has its identity: it must not answer for it.
    if (to !== membership().inc()) throw new CodedError('unavailable');
    if (faults?.has(CATALOG_FAULT.appliedLate))
      clock.after(() => void options.receive(notice).catch(() => {}), CATALOG_AGAIN_MS);
    else await options.receive(notice);
    return undefined;
  });

  function mustApply(view: View): string[] {
    const incs = new Set(view.members.map(({ inc }) => inc));
    if (!faults?.has(CATALOG_FAULT.joinerNotWaitedFor))
      for (const { inc } of view.next?.members ?? []) incs.add(inc);
    incs.delete(membership().inc());
    return [...incs];
  }

  function look(telling: Telling): void {
    const view = membership().view();
    if (isClosed || !view || membership().inc() !== telling.inc || !isMember(view, telling.inc)) {
      telling.end(new Moved(view?.epoch ?? 0));
      return;
    }
    const missing = mustApply(view).filter((inc) => !telling.applied.has(inc));
    for (const [inc, abort] of telling.sending) if (!missing.includes(inc)) abort.abort();
    for (const inc of missing) if (!telling.sending.has(inc)) void tellOne(telling, inc);
    // Out of time, the view may be one that is over, and somebody may have joined since. In time, nobody joins without our acknowledgement.
    if (missing.length === 0 && membership().isInTime()) telling.end();
  }

  async function tellOne(telling: Telling, inc: string): Promise<void> {
    const abort = new AbortController();
    const { signal } = abort;
    telling.sending.set(inc, abort);
    let againMs = CATALOG_AGAIN_MS;
    while (!signal.aborted) {
      // By the record, not by the view: a member whose record is not seen yet has no address.
      const peer = membership().members().get(inc)?.peerId;
      try {
        if (peer === undefined) throw new CodedError('connection_lost');
        await post.request(
          peer,
          APPLY,
          { to: inc, ...telling.notice },
          { signal, timeoutMs: CATALOG_APPLY_MS },
        );
        telling.applied.add(inc);
        break;
      } catch {
        // Whatever it is, it is told until it says yes, or is no member: nobody else can say so for it.
        if (!signal.aborted) await sleep(againMs, signal);
        againMs = Math.min(2 * againMs, CATALOG_AGAIN_MS_MAX);
      }
    }
    telling.sending.delete(inc);
    if (tellings.has(telling)) look(telling);
  }

  function sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.clear();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = clock.after(end, ms);
      signal.addEventListener('abort', end);
    });
  }

  function dropAll(): void {
    for (const telling of [...tellings]) telling.end(new Moved(0));
    toldUntil.clear();
  }

  return {
    tell({ section, seq, changes }) {
      const from = seq - changes.length;
      const known = Math.max(from, Math.min(toldUntil.get(section) ?? from, seq));
      return new Promise((resolve, reject) => {
        const telling: Telling = {
          notice: { section, seq, changes: changes.slice(known - from) },
          inc: membership().inc(),
          applied: new Set(),
          sending: new Map(),
          end(error) {
            tellings.delete(telling);
            for (const abort of telling.sending.values()) abort.abort();
            if (error) return reject(error);
            toldUntil.set(section, Math.max(seq, toldUntil.get(section) ?? 0));
            resolve();
          },
        };
        tellings.add(telling);
        look(telling);
      });
    },
    look() {
      for (const telling of [...tellings]) look(telling);
    },
    dropAll,
    close() {
      isClosed = true;
      dropAll();
    },
    open() {
      isClosed = false;
    },
  };
}

/** As it crosses: with the life that it is for. */
interface Letter extends CatalogNotice {
  readonly to: string;
}

/** @throws CodedError `bad_request` */
function asNotice(value: unknown): Letter {
  const { to, section, seq, changes } = (value ?? {}) as Partial<Letter>;
  const isGood =
    typeof to === 'string' &&
    typeof section === 'string' &&
    Number.isSafeInteger(seq) &&
    Array.isArray(changes) &&
    changes.every((change) => change instanceof Uint8Array);
  if (!isGood) throw new CodedError('bad_request');
  return { to, section, seq: seq!, changes };
}
