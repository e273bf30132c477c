/**
 * Logs without any entry of a chain. Nothing in them is amiss, and that is what is: who empties a log must not pass for one who never wrote any.
 *
 * @module
 */
import { basename, dirname, join } from 'node:path';
import type { LookedAt } from './file.ts';
import { entries, type Finding } from './findings.ts';
import { stemOf } from './order.ts';
import type { Segment } from './segment.ts';
import type { ServerChain } from './verify.ts';

/** @param server - undefined: it was not asked. */
export function emptiedLogs(
  files: readonly LookedAt[],
  byChain: ReadonlyMap<string, readonly Segment[]>,
  server: readonly ServerChain[] | undefined,
): Finding[] {
  // Rotated files of one log stand for one another: the newest one has nothing in it for a while.
  const logs = Map.groupBy(files, ({ file }) => join(dirname(file), stemOf(file)));
  return [...logs.values()]
    .filter((log) => log.every(({ segments }) => segments.length === 0))
    .flatMap((log) => {
      const { file } = log.at(-1)!;
      const name = stemOf(file);
      const missing = (server ?? []).filter(
        (head) => head.seq > 0 && basename(head.file) === name && !byChain.has(head.chain),
      );
      if (missing.length > 0) return [cut(file, missing)];
      return isElsewhere(name, byChain) ? [] : [empty(file)];
    });
}

/** Older files of it lie in another folder: a chain was written to a file of this name, and that file is not among those that hold it. */
function isElsewhere(name: string, byChain: ReadonlyMap<string, readonly Segment[]>): boolean {
  return [...byChain.values()].some(
    (segments) =>
      segments.some(({ shown }) => shown?.file !== undefined && basename(shown.file) === name) &&
      !segments.some(({ file }) => basename(file) === name),
  );
}

function cut(file: string, missing: readonly ServerChain[]): Finding {
  const known = missing.map(
    ({ device, node, seq, time }) => `${entries(1, seq)} of ${device} on node ${node} (at ${time})`,
  );
  const text = `holds no entry of any chain, but the server knows of ${known.join(', ')}: it was emptied, or another file is in its place`;
  const [only, ...more] = missing;
  return more.length > 0
    ? { kind: 'cut', file, text }
    : { kind: 'cut', file, chain: only!.chain, entries: [1, only!.seq], text };
}

function empty(file: string): Finding {
  const text =
    'holds no entry of any chain: it was emptied, or something else wrote it. Nothing of it can be vouched for';
  return { kind: 'empty', file, text };
}
