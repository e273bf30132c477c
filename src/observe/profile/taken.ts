/**
 * What V8's profilers saw, as stacks: of the processor's time, and of memory. Names and places of functions and nothing of what they worked on:
 * a snapshot of the heap would hold every secret in it, so there is none.
 *
 * @module
 */
import type { HeapProfiler, Profiler, Runtime } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import type { Frame, Stack } from './pprof.ts';

/** V8's name for time in which there was nothing to do. */
const IDLE = '(idle)';
const HERE = fileURLToPath(new URL('../../../', import.meta.url));

/** Values: samples, nanoseconds. Without the time in which nothing was done. */
export function stacksOfTime({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Stack[] {
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const seen = new Map<number, { count: number; us: number }>();
  samples.forEach((id, at) => {
    const sum = seen.get(id) ?? { count: 0, us: 0 };
    sum.count++;
    sum.us += Math.max(0, timeDeltas[at] ?? 0);
    seen.set(id, sum);
  });
  const stacks: Stack[] = [];
  for (const [id, { count, us }] of seen) {
    const frames: Frame[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = byId.get(at);
      if (node && parents.has(at)) frames.push(frameOf(node.callFrame));
    }
    if (frames.length > 0 && frames[0]!.functionName !== IDLE) {
      stacks.push({ frames, values: [count, Math.round(us * 1_000)] });
    }
  }
  return stacks;
}

/** Values: bytes. */
export function stacksOfMemory({ head }: HeapProfiler.SamplingHeapProfile): Stack[] {
  const stacks: Stack[] = [];
  const waiting: { node: HeapProfiler.SamplingHeapProfileNode; above: readonly Frame[] }[] = [
    { node: head, above: [] },
  ];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, above } = next;
    const frames = node === head ? [] : [frameOf(node.callFrame), ...above];
    if (node.selfSize > 0 && frames.length > 0) stacks.push({ frames, values: [Math.round(node.selfSize)] });
    for (const child of node.children) waiting.push({ node: child, above: frames });
  }
  return stacks;
}

function frameOf({ functionName, url, lineNumber }: Runtime.CallFrame): Frame {
  return {
    functionName: functionName || '(anonymous)',
    file: fileOf(url),
    line: Math.max(0, lineNumber + 1),
  };
}

/** From the folder that the program lies in. */
function fileOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  const path = fileURLToPath(url);
  return path.startsWith(HERE) ? path.slice(HERE.length) : path;
}
