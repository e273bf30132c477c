/**
 * One file of an audit log: its lines, sorted into the chains that they belong to. Nodes on one machine may write to one file.
 *
 * @module
 */
import { lineHash } from '../../crypto/audit-signature.ts';
import { type Checkpoint, type CheckpointLine, linkOf, type Torn } from '../../model/audit-chain.ts';
import { entries, type Finding, type Note } from './findings.ts';
import { linesOf } from './log-lines.ts';
import { type Entry, makeSegment, type Segment } from './segment.ts';
import type { Trust } from './trust.ts';

export interface LookedAt {
  readonly file: string;
  /** By chain, in the order of their first lines. */
  readonly segments: readonly Segment[];
  /** Lines before the first that is of a chain. */
  readonly unchained: number;
  readonly findings: readonly Finding[];
  readonly notes: readonly Note[];
}

export interface FileOptions {
  readonly trust: Trust;
  /** An entry of that chain whose hash will be asked for. */
  wanted(chain: string): number | undefined;
}

const HEAD_CHARS = 120;
const CHECKPOINT = /^\{"time":"[^"]{1,40}","type":"checkpoint",/;

/** @throws Error where the file cannot be read. */
export async function lookAtFile(file: string, { trust, wanted }: FileOptions): Promise<LookedAt> {
  const segments = new Map<string, Segment>();
  const findings: Finding[] = [];
  const notes: Note[] = [];
  /** Lines that are no entries since the last that was one, with their hashes. */
  let strange: { number: number; hash: string }[] = [];
  let unchained = 0;

  for await (const { bytes, number, isWhole } of linesOf(file)) {
    const link = linkOf(bytes.subarray(-200).toString('latin1'));
    if (!link) {
      if (!isWhole) {
        const text = `the last line, ${number}, is torn: ${bytes.length} bytes of a line that was never finished`;
        notes.push({ kind: 'torn', file, line: number, text });
      } else if (segments.size === 0) unchained++;
      else strange.push({ number, hash: lineHash(bytes) });
      continue;
    }
    const accounted = strange.length > 0 ? tornOf(bytes) : [];
    for (const { number: line } of strange.filter(({ hash }) => accounted.includes(hash))) {
      const text = `line ${line} is torn: the device could not finish it, and the next line says so`;
      notes.push({ kind: 'torn', file, line, text });
    }
    const entry: Entry = {
      ...link,
      line: number,
      hash: lineHash(bytes),
      strange: strange.filter(({ hash }) => !accounted.includes(hash)).map(({ number: line }) => line),
      ...judged(bytes, link.chain, number),
    };
    strange = [];
    let segment = segments.get(link.chain);
    if (!segment) {
      segment = makeSegment(file, entry, wanted(link.chain));
      segments.set(link.chain, segment);
    }
    segment.add(entry);
  }
  for (const { number } of strange)
    findings.push({ kind: 'inserted', file, line: number, text: `line ${number} is no entry of any chain` });
  for (const segment of segments.values()) segment.end();
  return { file, segments: [...segments.values()], unchained, findings, notes };

  function judged(bytes: Buffer, chain: string, line: number): Pick<Entry, 'checkpoint' | 'isSigned'> {
    if (!CHECKPOINT.test(bytes.subarray(0, HEAD_CHARS).toString('latin1'))) return {};
    const parsed = parse(bytes) as CheckpointLine | undefined;
    if (!isCheckpoint(parsed) || parsed.checkpoint.chain !== chain) {
      findings.push({
        kind: 'forged',
        file,
        line,
        chain,
        text: `line ${line} is no checkpoint of its chain`,
      });
      return {};
    }
    const judgement = trust.judge(parsed);
    if (judgement === 'bad') {
      const text = `the signatures of the checkpoint in line ${line} do not fit it`;
      findings.push({ kind: 'forged', file, line, chain, text });
      return {};
    }
    if (judgement === 'unknown key') {
      const kind = trust.isGiven ? 'forged' : 'unsigned';
      const text = `the checkpoint in line ${line} is signed with keys that are not known: ${parsed.checkpoint.keys.ed25519}`;
      if (kind === 'forged') findings.push({ kind, file, line, chain, text });
      else notes.push({ kind, file, line, chain, text });
    }
    return { checkpoint: parsed.checkpoint, isSigned: judgement === 'good' };
  }
}

/** Hashes of the torn lines that this one accounts for. */
function tornOf(bytes: Buffer): string[] {
  const torn = (parse(bytes) as { torn?: Torn[] } | undefined)?.torn;
  return Array.isArray(torn) ? torn.map(({ hash }) => hash) : [];
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function isCheckpoint(line: CheckpointLine | undefined): line is CheckpointLine {
  const { checkpoint, signatures } = (line ?? {}) as Partial<CheckpointLine>;
  const { seq, hash, keys, chain } = (checkpoint ?? {}) as Partial<Checkpoint>;
  return (
    typeof seq === 'number' &&
    typeof hash === 'string' &&
    typeof chain === 'string' &&
    typeof keys?.ed25519 === 'string' &&
    typeof keys.ml_dsa_65 === 'string' &&
    typeof signatures?.ed25519 === 'string' &&
    typeof signatures.ml_dsa_65 === 'string'
  );
}

/** Lines that stand before the chain begins, in words. */
export function unchainedText(count: number): string {
  return `${entries(1, count).replace(/^entr(y|ies)/, count === 1 ? 'line' : 'lines')} ${count === 1 ? 'is' : 'are'} older than the chain: nobody vouches for them`;
}
