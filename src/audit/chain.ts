/**
 * Makes one chain of a device's lines, and checkpoints in it: every so many lines, every so often, and when the device is closed.
 *
 * A checkpoint speaks of a line that is out already, so that signing holds up nobody; its own line comes some lines later. With each one the
 * head of the chain, which the file holds by then, goes to the store.
 *
 * @module
 */
import { lineHash } from '../crypto/audit-signature.ts';
import {
  type ChainHead,
  type Checkpoint,
  type KeptHead,
  linkOf,
  linkText,
  NO_LINE,
  type Torn,
} from '../model/audit-chain.ts';
import type { Clock } from '../model/clock.ts';
import {
  AUDIT_CHECKPOINT_LINES,
  AUDIT_CHECKPOINT_MS,
  AUDIT_CHECKPOINT_REST_MS,
  AUDIT_LAST_CHECKPOINT_MS,
  AUDIT_RESUME_BYTES_MAX,
} from '../model/limits.ts';
import { rfc3339 } from '../model/time.ts';
import type { ChainHeads } from './chain-heads.ts';
import type { CheckpointSigner } from './checkpoint-signer.ts';
import type { Linker, Output, SinkTurns } from './line-sink.ts';

export interface ChainOptions {
  /** CHAIN_ID_CHARS hex digits; of this device and this node alone. */
  readonly id: string;
  /** Path of the device, ending in `/`. */
  readonly device: string;
  readonly node: string;
  /** Where it is written to, shown in checkpoints. */
  readonly file?: string;
  readonly heads: ChainHeads;
  readonly signer: CheckpointSigner;
  readonly clock: Clock;
  /** Wall clock, ms. */
  now(): number;
  /** What an operator must know of it. */
  alarm(text: string, error?: unknown): void;
}

export function makeChain(options: ChainOptions, output: Output, { inTurn, writeNow }: SinkTurns): Linker {
  const { id, device, node, file, heads, signer, clock, now, alarm } = options;
  /** The last line that is out; the last that has bytes. */
  let written: ChainHead = NO_LINE;
  let linked: ChainHead = NO_LINE;
  /** Lines that broke off since the last whole one. */
  let torn: Torn[] = [];
  /** Lines since the last checkpoint. */
  let since = 0;
  let marking = false;
  /** Nothing is made any more but what ends it. */
  let resting = false;
  let timer: { clear(): void } | undefined;
  /** When it runs; when the last checkpoint was begun. Monotonic, ms. */
  let dueMs = 0;
  let markedMs = Number.NEGATIVE_INFINITY;
  /** Ids of the keys that were shown last. */
  let shown = '';
  let version = 0;
  let space = Buffer.alloc(0);
  let lastKeep: Promise<unknown> = Promise.resolve();

  function link(lines: readonly string[]): Buffer {
    let { seq, hash } = written;
    let at = 0;
    // Of a write that has ended, so that no line needs a buffer of its own. This runs twice for each request of the server.
    const into = spaceFor(lines);
    let naming = torn;
    for (const line of lines) {
      const from = at;
      const whole = naming.length > 0 ? withTorn(line, naming) : line;
      naming = [];
      // Without the brace that ends it.
      at += into.write(whole, at, 'utf8') - 1;
      at += into.write(linkText({ chain: id, seq: ++seq, prev: hash }), at, 'latin1');
      hash = lineHash(into.subarray(from, at));
      into[at++] = LINE_END;
    }
    linked = { seq, hash };
    return into.subarray(0, at);
  }

  /** Room for these lines whatever characters they are of; what is small lies where the lines before lay. */
  function spaceFor(lines: readonly string[]): Buffer {
    const bytes = lines.reduce((sum, line) => sum + 3 * line.length + LINK_BYTES_MAX, tornBytes());
    if (bytes > SPACE_BYTES_MAX) return Buffer.allocUnsafeSlow(bytes);
    if (space.length < bytes) space = Buffer.allocUnsafeSlow(Math.min(SPACE_BYTES_MAX, 2 * bytes));
    return space;
  }

  const tornBytes = (): number => torn.length * TORN_BYTES_MAX;

  function out(): void {
    since += linked.seq - written.seq;
    written = linked;
    torn = [];
    look();
  }

  function look(): void {
    if (resting || marking || since === 0) return;
    const nowMs = clock.monotonicMs();
    const isMany = since >= AUDIT_CHECKPOINT_LINES;
    // A signature takes as long as dozens of requests: many lines a second must not drown in signing.
    if (isMany && nowMs - markedMs >= AUDIT_CHECKPOINT_REST_MS) void mark();
    else wake(isMany ? markedMs + AUDIT_CHECKPOINT_REST_MS : nowMs + AUDIT_CHECKPOINT_MS);
  }

  /** Makes a checkpoint then, unless one is due before. */
  function wake(atMs: number): void {
    if (timer && dueMs <= atMs) return;
    stopTimer();
    dueMs = atMs;
    timer = clock.after(() => void mark(), atMs - clock.monotonicMs());
  }

  function stopTimer(): void {
    timer?.clear();
    timer = undefined;
  }

  function broke(bytes: Buffer, taken: number | undefined): void {
    // Whoever takes them has them or misses them; he sees by the numbers which.
    if (taken === undefined) {
      out();
      return;
    }
    let { seq, hash } = written;
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0 && end < taken; end = bytes.indexOf(0x0a, from)) {
      seq += 1;
      hash = lineHash(bytes.subarray(from, end));
      from = end + 1;
    }
    if (from > 0) torn = [];
    since += seq - written.seq;
    written = { seq, hash };
    const part = bytes.subarray(from, taken);
    if (part.length > 0) torn.push({ bytes: part.length, hash: lineHash(part) });
  }

  async function lineOf(
    event: Checkpoint['event'],
    head: ChainHead,
    known?: Pick<Checkpoint, 'stored' | 'found'>,
  ) {
    const { ids, keys } = signer.current();
    const time = rfc3339(now());
    const isNew = shown !== ids.ed25519;
    const checkpoint: Checkpoint = {
      version: 1,
      chain: id,
      device,
      node,
      file,
      event,
      time,
      ...head,
      ...known,
      keys: ids,
      ...(isNew || event === 'start' ? { public_keys: keys } : {}),
    };
    const signatures = await signer.sign(checkpoint);
    shown = ids.ed25519;
    return JSON.stringify({ time, type: 'checkpoint', checkpoint, signatures });
  }

  /** Between two checkpoints, the first lines of which are those that nobody has signed for yet. */
  async function mark(): Promise<void> {
    stopTimer();
    if (resting || marking || since === 0) return;
    marking = true;
    markedMs = clock.monotonicMs();
    const covered = since;
    since = 0;
    try {
      const line = await lineOf('periodic', written);
      await inTurn(async () => {
        if (resting) return;
        await writeNow([line]);
        since -= 1;
      });
      // What ends the chain keeps where it ended.
      if (resting) return;
      await keep(false);
    } catch (error) {
      since += covered;
      if (!resting) alarm('a checkpoint of the audit log could not be made; it is tried again', error);
      // Not at once: what does not work now is not likely to work with the next line.
      if (!resting) wake(clock.monotonicMs() + AUDIT_CHECKPOINT_MS);
    } finally {
      marking = false;
    }
    if (!timer) look();
  }

  /** One at a time, since each is on top of the one before. */
  function keep(closed: boolean): Promise<void> {
    const keeping = lastKeep.then(async () => {
      const head: KeptHead = { ...written, device, node, file, atMs: now(), closed };
      // A log that is whole on disk has its head there too. While it is written that would cost readers a wait for the disk each thousand lines:
      // a machine that loses power may come back with a file that ends before its head, and lines that were lost are said to be missing.
      if (closed) await output.sync?.();
      version = await heads.keep(id, head, version);
    });
    lastKeep = keeping.catch(() => {});
    return keeping;
  }

  async function begin(): Promise<void> {
    const kept = await heads.load(id);
    version = kept?.version ?? 0;
    const stored = kept && { seq: kept.head.seq, hash: kept.head.hash };
    await output.open();
    const tail = await output.tail?.(AUDIT_RESUME_BYTES_MAX);
    const { found, atStored, part } = lookBack(tail ?? Buffer.alloc(0), id, stored?.seq);
    if (stored && atStored !== undefined && atStored !== stored.hash)
      alarm(`the audit log of ${device} was changed while it was closed: entry ${stored.seq} is another`);
    if (stored && found && found.seq < stored.seq)
      alarm(
        `the audit log of ${device} lost lines while it was closed: it ends with ${found.seq}, not ${stored.seq}`,
      );
    written = found && found.seq >= (stored?.seq ?? 0) ? found : (stored ?? NO_LINE);
    torn = part ? [part] : [];
    await writeNow([await lineOf('start', written, { stored, found })]);
    since = 0;
    stopTimer();
    await keep(false);
  }

  function rest(): void {
    resting = true;
    stopTimer();
  }

  async function end(): Promise<void> {
    try {
      await writeNow([await lineOf('stop', written)]);
      // A store that does not answer must not keep the keys of a node that seals.
      await inTime(keep(true));
    } catch (error) {
      alarm(
        'the last checkpoint of the audit log could not be made; the next start says how far it goes',
        error,
      );
    }
  }

  function inTime(keeping: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = clock.after(() => reject(new Error('the store did not answer')), AUDIT_LAST_CHECKPOINT_MS);
      keeping.then(resolve, reject).finally(() => late.clear());
    });
  }

  return { begin, link, out, broke, rest, end };
}

const LINE_END = 0x0a;
const LINK_BYTES_MAX = 160;
/** Of one torn line, named. */
const TORN_BYTES_MAX = 128;
/** More than the lines of one turn mostly take. */
const SPACE_BYTES_MAX = 1024 * 1024;

function withTorn(line: string, torn: readonly Torn[]): string {
  return `${line.slice(0, -1)},"torn":${JSON.stringify(torn)}}`;
}

interface LookedBack {
  /** The last line of the chain. */
  readonly found?: ChainHead;
  /** Hash of the line that the store speaks of. */
  readonly atStored?: string;
  /** What the file ends with, where that is no whole line. */
  readonly part?: Torn;
}

/** @param tail - the end of a log, from the start of a line. */
function lookBack(tail: Buffer, chain: string, storedSeq: number | undefined): LookedBack {
  let last: { seq: number; line: Buffer } | undefined;
  let atStored: string | undefined;
  let from = 0;
  for (let end = tail.indexOf(0x0a); end >= 0; end = tail.indexOf(0x0a, from)) {
    const line = tail.subarray(from, end);
    from = end + 1;
    const link = linkOf(line.toString('latin1'));
    if (link?.chain !== chain) continue;
    last = { seq: link.seq, line };
    if (link.seq === storedSeq) atStored = lineHash(line);
  }
  const rest = tail.subarray(from);
  return {
    found: last && { seq: last.seq, hash: lineHash(last.line) },
    atStored,
    part: rest.length > 0 ? { bytes: rest.length, hash: lineHash(rest) } : undefined,
  };
}
