/**
 * What an owner has granted, to whom, and how long each holder may at most go on: its memory of grants, and of the ends it waits for.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import { ENDS_MAX } from '../../model/limits.ts';
import type { PeerId } from '../../model/transport.ts';

/** To one life of a holder. */
export interface LinkToHolder {
  readonly inc: string;
  peer: PeerId;
  /** Another one as soon as all its grants were forgotten: what it then still holds is not renewed. */
  generation: number;
  /** Until then, by the owner's clock, the holder may answer. */
  untilMs: number;
  readonly notes: Map<string, Note>;
  /** Ends that it has not answered, the oldest first. */
  readonly owed: Set<Note>;
  /** Ends that leave with this turn. */
  outbox: Note[];
  timer: { clear(): void } | undefined;
}

/** One actor, one holder. */
export interface Note {
  readonly key: string;
  readonly link: LinkToHolder;
  readonly number: number;
  owed: Owed | undefined;
}

interface Owed extends PromiseWithResolvers<void> {
  readonly sinceMs: number;
  sentMs: number;
}

export interface NotesOptions {
  readonly clock: Clock;
  /** At most ENDS_MAX in one call. */
  send(link: LinkToHolder, ending: readonly Note[]): void;
  /** A grant that somebody waited for has ended. @param reads - as the holder says; undefined: it did not say anything. */
  ended(note: Note, reads: number | undefined): void;
}

export interface Notes {
  linkTo(inc: string, peer: PeerId): LinkToHolder;
  /** Notes a grant, in the place of one before it. */
  add(key: string, link: LinkToHolder): Note;
  /** Sends the ends, and says what to wait for: one promise for each holder that may still answer. */
  end(key: string): Promise<void>[];
  /** An end of it is under way. */
  isOwed(key: string): boolean;
  /** A holder says that it answers from it no more. @param number - undefined: of any grant. */
  ended(inc: string, key: string, number: number | undefined, reads: number): void;
  /** Since when an end is owed by this holder; Infinity: none is. */
  owedSinceMs(link: LinkToHolder): number;
  /** Sends ends again that were sent before `beforeMs` and not answered. */
  sendAgain(link: LinkToHolder, beforeMs: number): void;
  /** Where its time has run out and ends are owed: nothing granted to it counts any more. */
  forgetIfOver(link: LinkToHolder): void;
  /** Forgets those whose time has run out and whom nobody wants to keep. */
  tidy(isWanted: (inc: string) => boolean): void;
  /** When the last holder's time runs out; -Infinity: nobody holds anything. */
  untilMs(): number;
  keys(): Iterable<string>;
  count(): number;
  /** All goes; what is waited for rejects. */
  dropAll(reason: Error): void;
  stop(): void;
}

export function makeNotes(options: NotesOptions): Notes {
  const { clock, send } = options;
  const links = new Map<string, LinkToHolder>();
  const byKey = new Map<string, Note[]>();
  let numbers = 0;
  let generations = 0;
  let count = 0;

  function remove(note: Note, reads?: number): void {
    const { key, link } = note;
    link.notes.delete(key);
    const left = byKey.get(key)!.filter((other) => other !== note);
    if (left.length > 0) byKey.set(key, left);
    else byKey.delete(key);
    count--;
    if (!note.owed) return;
    link.owed.delete(note);
    note.owed.resolve();
    options.ended(note, reads);
  }

  function isOver(link: LinkToHolder): boolean {
    return clock.monotonicMs() >= link.untilMs;
  }

  /** Its time has run out. */
  function forget(link: LinkToHolder): void {
    for (const note of [...link.notes.values()]) remove(note);
    link.generation = ++generations;
    link.outbox = [];
    link.timer?.clear();
    link.timer = undefined;
  }

  function forgetIfOver(link: LinkToHolder): void {
    if (link.owed.size > 0 && isOver(link)) forget(link);
  }

  function owe(note: Note): Promise<void> {
    if (note.owed) return note.owed.promise;
    const { link } = note;
    const now = clock.monotonicMs();
    note.owed = { ...Promise.withResolvers<void>(), sinceMs: now, sentMs: now };
    link.owed.add(note);
    if (link.outbox.push(note) === 1) queueMicrotask(() => flush(link));
    watch(link);
    return note.owed.promise;
  }

  function flush(link: LinkToHolder): void {
    const ending = link.outbox.filter(({ owed }) => owed);
    link.outbox = [];
    for (let at = 0; at < ending.length; at += ENDS_MAX) send(link, ending.slice(at, at + ENDS_MAX));
  }

  /** Wakes up when the holder's time has run out. */
  function watch(link: LinkToHolder): void {
    link.timer ??= clock.after(
      () => {
        link.timer = undefined;
        forgetIfOver(link);
        if (link.owed.size > 0) watch(link);
      },
      Math.max(0, link.untilMs - clock.monotonicMs()),
    );
  }

  return {
    linkTo(inc, peer) {
      let link = links.get(inc);
      if (link) link.peer = peer;
      else {
        link = {
          inc,
          peer,
          generation: ++generations,
          untilMs: Number.NEGATIVE_INFINITY,
          notes: new Map(),
          owed: new Set(),
          outbox: [],
          timer: undefined,
        };
        links.set(inc, link);
      }
      return link;
    },
    add(key, link) {
      const before = link.notes.get(key);
      if (before) remove(before);
      const note: Note = { key, link, number: ++numbers, owed: undefined };
      link.notes.set(key, note);
      byKey.set(key, [...(byKey.get(key) ?? []), note]);
      count++;
      return note;
    },
    end(key) {
      const waits: Promise<void>[] = [];
      for (const note of byKey.get(key) ?? []) {
        if (isOver(note.link)) forget(note.link);
        else waits.push(owe(note));
      }
      return waits;
    },
    isOwed: (key) => byKey.get(key)?.some(({ owed }) => owed) === true,
    ended(inc, key, number, reads) {
      const note = links.get(inc)?.notes.get(key);
      if (note && (number === undefined || note.number === number)) remove(note, reads);
    },
    owedSinceMs(link) {
      const [oldest] = link.owed;
      return oldest?.owed?.sinceMs ?? Number.POSITIVE_INFINITY;
    },
    sendAgain(link, beforeMs) {
      for (const note of link.owed) {
        if (note.owed!.sentMs > beforeMs) continue;
        note.owed!.sentMs = clock.monotonicMs();
        if (link.outbox.push(note) === 1) queueMicrotask(() => flush(link));
      }
    },
    forgetIfOver,
    tidy(isWanted) {
      for (const link of links.values()) {
        if (isWanted(link.inc) || !isOver(link)) continue;
        forget(link);
        links.delete(link.inc);
      }
    },
    untilMs() {
      const held = [...links.values()].filter(({ notes }) => notes.size > 0);
      return Math.max(Number.NEGATIVE_INFINITY, ...held.map(({ untilMs }) => untilMs));
    },
    keys: () => byKey.keys(),
    count: () => count,
    dropAll(reason) {
      for (const link of links.values()) {
        link.timer?.clear();
        for (const { owed } of link.owed) owed!.reject(reason);
        link.owed.clear();
        link.outbox = [];
      }
      links.clear();
      byKey.clear();
      count = 0;
    },
    stop() {
      for (const link of links.values()) link.timer?.clear();
    },
  };
}
