/**
 * Are audit logs as they were written? Each file is looked at by itself (`file.ts`), then the parts of each chain are put together, and compared
 * with what the server says of them, where it was asked.
 *
 * @module
 */
import { basename } from 'node:path';
import type { ChainHead, Checkpoint } from '../../model/audit-chain.ts';
import { emptiedLogs } from './emptied.ts';
import { type LookedAt, lookAtFile, unchainedText } from './file.ts';
import { entries, type Finding, type Note } from './findings.ts';
import { inOrder, stemOf } from './order.ts';
import { crashNote, type Segment } from './segment.ts';
import { makeTrust } from './trust.ts';

/** A chain as the server has it (`sys/audit-chains`). */
export interface ServerChain extends ChainHead {
  readonly chain: string;
  readonly device: string;
  readonly node: string;
  /** Empty where it is none. */
  readonly file: string;
  /** RFC 3339: when the head was kept. */
  readonly time: string;
  readonly enabled: boolean;
}

export interface VerifyOptions {
  /** SPKI in base64, by id; undefined: nobody said which keys are good. */
  readonly keys?: ReadonlyMap<string, string>;
  /** All chains of the server, as they were before the files were read; undefined: it was not asked. */
  readonly server?: readonly ServerChain[];
  /** Older files are not given: a chain may begin with any entry. */
  readonly isPartial?: boolean;
}

export interface ChainReport {
  readonly chain: string;
  readonly device: string;
  readonly node: string;
  /** Oldest first. */
  readonly files: readonly string[];
  readonly from: number;
  readonly to: number;
  /** The last checkpoint that fits: up to its entry nothing is amiss but what was found. */
  readonly vouched: Checkpoint | undefined;
  /** What the server has; undefined: nothing, or it was not asked. */
  readonly head: ServerChain | undefined;
}

export interface Report {
  /** In the order in which they were taken. */
  readonly files: readonly string[];
  readonly chains: readonly ChainReport[];
  readonly findings: readonly Finding[];
  readonly notes: readonly Note[];
}

/** @throws Error where a file cannot be read. */
export async function verifyLogs(given: readonly string[], options: VerifyOptions = {}): Promise<Report> {
  const { server, isPartial = false } = options;
  const heads = new Map(server?.map((head) => [head.chain, head]));
  const trust = makeTrust(options.keys);
  const files = inOrder(given);
  const findings: Finding[] = [];
  const notes: Note[] = [];
  const byChain = new Map<string, Segment[]>();
  const lookedAt: LookedAt[] = [];
  for (const file of files) {
    const looked = await lookAtFile(file, { trust, wanted: (chain) => heads.get(chain)?.seq });
    lookedAt.push(looked);
    findings.push(...looked.findings);
    notes.push(...looked.notes);
    if (looked.unchained > 0) notes.push({ kind: 'unchained', file, text: unchainedText(looked.unchained) });
    for (const segment of looked.segments) {
      byChain.set(segment.chain, [...(byChain.get(segment.chain) ?? []), segment]);
    }
  }
  const chains: ChainReport[] = [];
  for (const [chain, named] of byChain) {
    const told = { findings, notes };
    const segments = ordered(named, told);
    begin(segments[0]!, isPartial, told);
    join(segments, told);
    for (const segment of segments) {
      findings.push(...segment.findings);
      notes.push(...segment.notes);
    }
    const last = segments.reduce((a, b) => (b.last.seq > a.last.seq ? b : a));
    const shown = segments.findLast((segment) => segment.shown)?.shown;
    const head = heads.get(chain);
    if (server) compare(last, segments, head, told);
    chains.push({
      chain,
      device: shown?.device ?? head?.device ?? '',
      node: shown?.node ?? head?.node ?? '',
      files: segments.map(({ file }) => file),
      from: segments[0]!.first.seq,
      to: last.last.seq,
      vouched: segments.map(({ vouched }) => vouched).reduce(later, undefined),
      head,
    });
  }
  findings.push(...emptiedLogs(lookedAt, byChain, server));
  swappedLogs(byChain, findings);
  if (server) oldLogs(chains, server, findings, notes);
  return { files, chains, findings: inLineOrder(findings, files), notes: inLineOrder(notes, files) };
}

interface Told {
  readonly findings: Finding[];
  readonly notes: Note[];
}

function later(a: Checkpoint | undefined, b: Checkpoint | undefined): Checkpoint | undefined {
  if (!a || !b) return a ?? b;
  return b.seq >= a.seq ? b : a;
}

/** In the order of their entries. `named`: in that of their names. */
function ordered(named: readonly Segment[], { findings }: Told): Segment[] {
  const segments = named.toSorted((a, b) => a.first.seq - b.first.seq);
  const moved = named.filter(
    (segment, index) => segments[index] !== segment && !isCopy(segment, segments[index]!),
  );
  if (moved.length === 0) return segments;
  const { chain } = moved[0]!;
  const names = moved.map(({ file }) => file);
  const held = moved.map(
    ({ file, first, last }) => `${basename(file)} holds ${entries(first.seq, last.seq)}`,
  );
  findings.push({
    kind: 'swapped',
    file: names[0]!,
    chain,
    text: `${names.map((name) => basename(name)).join(' and ')} have changed places: ${held.join(', ')}`,
  });
  return segments;
}

function isCopy(a: Segment, b: Segment): boolean {
  return a.first.seq === b.first.seq;
}

/** Is the first entry here the first of all? */
function begin({ chain, file, first }: Segment, isPartial: boolean, { findings, notes }: Told): void {
  if (first.seq === 1) return;
  const [from, to] = [1, first.seq - 1];
  const missing = `begins with entry ${first.seq}: ${entries(from, to)}`;
  if (isPartial) {
    notes.push({
      kind: 'earlier',
      file,
      chain,
      text: `${missing} would be in older files, which are not given`,
    });
    return;
  }
  const text = `${missing} should stand before it. They were removed, or are in older files: give those too, or say -partial`;
  findings.push({ kind: 'removed', file, line: first.line, chain, entries: [from, to], text });
}

/** Does each part go on where the one before it ends? */
function join(segments: readonly Segment[], { findings, notes }: Told): void {
  for (const [index, next] of segments.entries()) {
    const before = segments[index - 1];
    if (before) follow(before, next, { findings, notes });
    for (const { seq, hash, line } of next.earlier) {
      const there = segments
        .slice(0, index)
        .findLast((segment) => segment.first.seq <= seq)
        ?.hashOf(seq);
      if (there === undefined || there === hash) continue;
      const text = `entry ${seq} is not the one that the checkpoint in line ${line} was signed for`;
      findings.push({ kind: 'changed', file: next.file, line, chain: next.chain, entries: [seq, seq], text });
    }
  }
}

function follow(before: Segment, next: Segment, { findings, notes }: Told): void {
  const { chain, file, first } = next;
  const { last } = before;
  const line = first.line;
  const [a, b] = [basename(before.file), basename(file)];
  if (first.seq === last.seq + 1) {
    if (first.prev === last.hash) return;
    const text = `entry ${last.seq} is not as it was written: the first one in ${b} has another hash for it`;
    findings.push({
      kind: 'changed',
      file: before.file,
      line: last.line,
      chain,
      entries: [last.seq, last.seq],
      text,
    });
  } else if (first.seq > last.seq) {
    const [from, to] = [last.seq + 1, first.seq - 1];
    const text = `${entries(from, to)} should stand between ${a} and ${b}: cut from the end of one or the start of the other, or in a file that is not here`;
    findings.push({ kind: 'removed', file, line, chain, entries: [from, to], text });
  } else {
    const { checkpoint, isSigned } = first;
    if (checkpoint?.event === 'start' && isSigned && before.hashOf(checkpoint.seq) === checkpoint.hash) {
      notes.push(crashNote(before.file, chain, first.seq, last.seq, last.line));
      return;
    }
    const to = Math.min(next.last.seq, last.seq);
    const text = `${b} holds ${entries(first.seq, to)}, which ${a} holds too: an old file was put back, or is given twice`;
    findings.push({ kind: 'replayed', file, line, chain, entries: [first.seq, to], text });
  }
}

function compare(
  last: Segment,
  segments: readonly Segment[],
  head: ServerChain | undefined,
  { findings, notes }: Told,
): void {
  const { chain, file } = last;
  if (!head) {
    const text = `the server knows no chain ${chain}: the log is of another server, or was made up`;
    findings.push({ kind: 'unknown', file, chain, text });
    return;
  }
  if (!head.enabled) {
    const text = `the device ${head.device} that wrote this is disabled`;
    notes.push({ kind: 'disabled', file, chain, text });
  }
  if (last.last.seq < head.seq) {
    const text = `ends with entry ${last.last.seq}, but the server had come to entry ${head.seq} at ${head.time}: ${entries(last.last.seq + 1, head.seq)} ${head.seq === last.last.seq + 1 ? 'is' : 'are'} missing. The end was cut off, or an older file was put in its place`;
    findings.push({
      kind: 'cut',
      file,
      line: last.last.line,
      chain,
      entries: [last.last.seq + 1, head.seq],
      text,
    });
    return;
  }
  const holder = segments.findLast((segment) => segment.first.seq <= head.seq);
  const there = holder?.hashOf(head.seq);
  if (!holder || there === undefined || there === head.hash) return;
  if (findings.some((one) => one.kind === 'changed' && one.chain === chain && within(one, head.seq))) return;
  if (holder.findings.some((one) => one.kind === 'changed' && within(one, head.seq))) return;
  const text = `entry ${head.seq} is not the one that the server has the hash of: it or entries before it were changed`;
  findings.push({ kind: 'changed', file: holder.file, chain, entries: [head.seq, head.seq], text });
}

function within({ entries: about }: Finding, seq: number): boolean {
  return about !== undefined && about[0] <= seq && seq <= about[1];
}

/** Files of two logs, each under the other's name. */
function swappedLogs(byChain: ReadonlyMap<string, readonly Segment[]>, findings: Finding[]): void {
  const all = [...byChain.values()].flat().filter(({ shown }) => shown?.file !== undefined);
  for (const [index, one] of all.entries()) {
    for (const two of all.slice(index + 1)) {
      if (one.chain === two.chain) continue;
      const [ours, theirs] = [one, two].map(({ shown }) => basename(shown!.file!));
      if (ours === theirs || stemOf(one.file) !== theirs || stemOf(two.file) !== ours) continue;
      const text = `${basename(one.file)} and ${basename(two.file)} have changed places: what is in them was written to ${one.shown!.file} and ${two.shown!.file}`;
      findings.push({ kind: 'swapped', file: one.file, chain: one.chain, text });
    }
  }
}

/** Logs of a device that is disabled, under the name of the file that another writes now. */
function oldLogs(
  chains: readonly ChainReport[],
  server: readonly ServerChain[],
  findings: Finding[],
  notes: Note[],
): void {
  const here = new Set(chains.map(({ chain }) => chain));
  for (const { chain, head, files } of chains) {
    if (!head || head.enabled) continue;
    const file = files.at(-1)!;
    const now = server.find(
      (other) =>
        other.enabled &&
        other.node === head.node &&
        basename(other.file) === basename(file) &&
        !here.has(other.chain),
    );
    if (!now) continue;
    const at = notes.findIndex((note) => note.kind === 'disabled' && note.chain === chain);
    if (at >= 0) notes.splice(at, 1);
    const text = `written by a device that is disabled; the one that writes this file now, ${now.device}, has chain ${now.chain}, of which nothing is here: an old file was put back`;
    findings.push({ kind: 'replayed', file, chain, text });
  }
}

function inLineOrder<T extends { readonly file: string; readonly line?: number }>(
  found: readonly T[],
  files: readonly string[],
): T[] {
  return found.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || (a.line ?? Infinity) - (b.line ?? Infinity),
  );
}
