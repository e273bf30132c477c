/**
 * The lines of one chain in one file, looked at in the order in which they stand: do their numbers and hashes fit, and the checkpoints among them?
 *
 * @module
 */
import { type ChainHead, type Checkpoint, type Link, NO_LINE } from '../../model/audit-chain.ts';
import { entries, type Finding, type Note } from './findings.ts';

/** A line of a chain. */
export interface Entry extends Link {
  readonly line: number;
  readonly hash: string;
  /** Where it is one whose signatures fit, or cannot be judged. */
  readonly checkpoint?: Checkpoint;
  readonly isSigned?: boolean;
  /** Lines before it that are none, and that it does not account for. */
  readonly strange: readonly number[];
}

interface Gap {
  from: number;
  to: number;
  /** Of the entry before the gap. */
  before: string;
  /** What the entry after it says of the entry before that one; undefined: that one is not the next. */
  after: string | undefined;
  /** Of the entry after it. */
  readonly line: number;
}

/** A head that a checkpoint speaks of, which lies in an earlier file. */
export interface EarlierHead extends ChainHead {
  readonly line: number;
}

export interface Segment {
  readonly file: string;
  readonly chain: string;
  readonly first: Entry;
  /** The entry with the highest number, as far as the order goes. */
  last: Entry;
  count: number;
  /** The checkpoint that speaks of the last entry that is vouched for. */
  vouched: Checkpoint | undefined;
  /** Any checkpoint. */
  shown: Checkpoint | undefined;
  /** The last line is that of a device that was closed. */
  isClosed: boolean;
  readonly earlier: EarlierHead[];
  readonly findings: Finding[];
  readonly notes: Note[];
  /** Of entries since the last checkpoint. */
  hashOf(seq: number): string | undefined;
  add(entry: Entry): void;
  /** After the last line. */
  end(): void;
}

/** @param wanted - an entry whose hash is asked for at the end, whatever comes after it. */
export function makeSegment(file: string, first: Entry, wanted: number | undefined): Segment {
  const { chain } = first;
  const hashes = new Map<number, string>();
  let wantedHash: string | undefined;
  const gaps: Gap[] = [];
  /** Numbers of entries that were found to be changed. */
  const changed = new Set<number>();
  const segment: Segment = {
    file,
    chain,
    first,
    last: first,
    count: 0,
    vouched: undefined,
    shown: undefined,
    isClosed: false,
    earlier: [],
    findings: [],
    notes: [],
    hashOf: (seq) => (seq === wanted ? (wantedHash ?? hashes.get(seq)) : hashes.get(seq)),
    add,
    end,
  };

  function found(kind: Finding['kind'], line: number, from: number, to: number, text: string): void {
    segment.findings.push({ kind, file, line, chain, entries: [from, to], text });
  }

  function change(seq: number, line: number, text: string): void {
    if (changed.has(seq)) return;
    changed.add(seq);
    found('changed', line, seq, seq, text);
  }

  function keep(entry: Entry): void {
    hashes.set(entry.seq, entry.hash);
    if (entry.seq === wanted) wantedHash = entry.hash;
  }

  function add(entry: Entry): void {
    segment.count++;
    const { last } = segment;
    if (entry === first || entry.seq === last.seq + 1) {
      if (entry !== first && entry.prev !== last.hash)
        change(
          last.seq,
          last.line,
          `entry ${last.seq} is not as it was written: the next one has another hash for it`,
        );
      strangers(entry);
      advance(entry);
    } else if (entry.seq > last.seq) {
      open(entry);
      advance(entry);
    } else if (forks(entry)) {
      advance(entry);
    } else {
      late(entry);
    }
    if (entry.checkpoint) check(entry, entry.checkpoint);
  }

  function advance(entry: Entry): void {
    keep(entry);
    segment.last = entry;
    segment.isClosed = entry.checkpoint?.event === 'stop';
  }

  function strangers({ strange }: Entry): void {
    for (const line of strange)
      segment.findings.push({
        kind: 'inserted',
        file,
        line,
        chain,
        text: `line ${line} is no entry of any chain`,
      });
  }

  function open(entry: Entry): void {
    const { last } = segment;
    const [from, to] = [last.seq + 1, entry.seq - 1];
    if (entry.strange.length === to - from + 1) {
      for (const [index, line] of entry.strange.entries())
        change(
          from + index,
          line,
          `entry ${from + index} is not as it was written: this line is no entry any more`,
        );
      return;
    }
    strangers(entry);
    gaps.push({ from, to, before: last.hash, after: entry.prev, line: entry.line });
  }

  /** A run that broke off and was not found by the next, which goes on from what the store knew. */
  function forks({ seq, checkpoint, isSigned, line }: Entry): boolean {
    if (checkpoint?.event !== 'start' || isSigned !== true || checkpoint.seq !== seq - 1) return false;
    if (hashes.get(checkpoint.seq) !== checkpoint.hash) return false;
    segment.notes.push(crashNote(file, chain, seq, segment.last.seq, line));
    return true;
  }

  /** An entry that comes after one with a higher number. */
  function late(entry: Entry): void {
    const { seq, line, prev, hash } = entry;
    const gap = gaps.find(({ from, to }) => seq >= from && seq <= to);
    if (!gap) {
      found('replayed', line, seq, seq, `entry ${seq} stands here a second time`);
      return;
    }
    if (seq === gap.from && prev !== gap.before)
      change(seq - 1, line, `entry ${seq - 1} is not as it was written`);
    if (seq === gap.to && gap.after !== undefined && hash !== gap.after)
      change(seq, line, `entry ${seq} is not as it was written, and stands in the wrong place`);
    found(
      'reordered',
      line,
      seq,
      seq,
      `entry ${seq} stands after ${entries(seq + 1, segment.last.seq)}: the order was changed`,
    );
    keep(entry);
    gaps.splice(gaps.indexOf(gap), 1);
    if (seq > gap.from) gaps.push({ ...gap, to: seq - 1, after: prev });
    if (seq < gap.to) gaps.push({ ...gap, from: seq + 1, before: hash });
  }

  function check({ line, isSigned }: Entry, checkpoint: Checkpoint): void {
    segment.shown = checkpoint;
    const { seq, hash, stored } = checkpoint;
    const there = seq === 0 ? NO_LINE.hash : hashes.get(seq);
    if (there === undefined) {
      if (seq < first.seq) segment.earlier.push({ seq, hash, line });
      return;
    }
    if (there !== hash) {
      const from = (segment.vouched?.seq ?? first.seq - 1) + 1;
      if (!changed.has(seq))
        found(
          'changed',
          line,
          from,
          seq,
          `${entries(from, seq)}: not those that the checkpoint in line ${line} was signed for`,
        );
      return;
    }
    if (stored && stored.seq > 0 && hashes.has(stored.seq) && hashes.get(stored.seq) !== stored.hash) {
      change(
        stored.seq,
        line,
        `entry ${stored.seq} was another when the device was closed: it was changed before the start in line ${line}`,
      );
    }
    if (stored && stored.seq > 0 && seq > stored.seq)
      segment.notes.push({
        kind: 'crash',
        file,
        line,
        chain,
        text: `${entries(stored.seq + 1, seq)} came after the last checkpoint of a run that broke off: vouched for only as the next run found them`,
      });
    if (!isSigned) return;
    segment.vouched = checkpoint;
    for (const old of hashes.keys()) {
      if (old >= seq) break;
      hashes.delete(old);
    }
  }

  function end(): void {
    for (const { from, to, line } of gaps.sort((a, b) => a.from - b.from))
      found(
        'removed',
        line,
        from,
        to,
        `${entries(from, to)} should stand before line ${line}, and ${from === to ? 'is' : 'are'} not there`,
      );
  }

  return segment;
}

export function crashNote(file: string, chain: string, from: number, to: number, line: number): Note {
  const text = `${entries(from, to)}, of a run that broke off, came after its last checkpoint: the next run did not find them, and nobody vouches for them`;
  return { kind: 'crash', file, line, chain, text };
}
