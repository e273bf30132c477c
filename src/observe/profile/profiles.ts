/**
 * Profiles of this process, while it serves (`sys/pprof`): one at a time, for a bounded time, and only while its client waits. V8 sees the main
 * thread, where all but heavy cryptography runs.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { HeapProfiler, Profiler } from 'node:inspector';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { Clock } from '../../model/clock.ts';
import { CodedError } from '../../model/errors.ts';
import { PROFILE_BYTES_STEP, PROFILE_LOOK_MS, PROFILE_STEP_US } from '../../model/limits.ts';
import { encodeProfile, type Stack } from './pprof.ts';
import { stacksOfMemory, stacksOfTime } from './taken.ts';

export interface Profiles {
  /** Where the main thread spends its time. @throws as `memory`. */
  time(options: ProfileOptions): Promise<Buffer>;
  /**
   * Who allocates memory meanwhile: all of it, or what is still in use at the end.
   * @throws CodedError `overloaded` where another profile is being taken, `deadline` where nobody waits for it any more.
   */
  memory(kind: 'allocated' | 'in use', options: ProfileOptions): Promise<Buffer>;
  /** What the event loop waits for, by kind. */
  resources(): ReadonlyMap<string, number>;
  /** Threads of the process by name; undefined where the system does not say. */
  threads(): ReadonlyMap<string, number> | undefined;
  /** Counts as a profile, whose functions are the names. */
  counted(type: string, counts: ReadonlyMap<string, number>): Buffer;
  /** Sizes of the heap and its spaces, bytes. */
  heapSizes(): ReadonlyMap<string, number>;
  /** Of the process; what is secret in them is left out. */
  commandLine(): readonly string[];
  /** Ends what is being taken. */
  stop(): void;
}

export interface ProfileOptions {
  readonly seconds: number;
  /** Nobody waits for it any more. */
  isOver(): boolean;
}

/** Flags of `server` whose value is a secret. */
const SECRET_FLAGS = /^(--?dev-root-token-id)=.*$/;

export function makeProfiles(clock: Clock): Profiles {
  let isTaking = false;
  let isStopped = false;

  async function taking<T>(take: (post: Post) => Promise<T>): Promise<T> {
    if (isTaking) throw new CodedError('overloaded', 'another profile is being taken on this node');
    isTaking = true;
    try {
      // Loaded only where somebody asks: it takes memory.
      const { Session } = await import('node:inspector/promises');
      const session = new Session();
      session.connect();
      try {
        return await take((method, params) => session.post(method as 'Profiler.enable', params as never));
      } finally {
        // With it ends what it began.
        session.disconnect();
      }
    } finally {
      isTaking = false;
    }
  }

  /** @throws CodedError `deadline` */
  async function passed({ seconds, isOver }: ProfileOptions): Promise<void> {
    const end = clock.monotonicMs() + seconds * 1_000;
    for (let left = end - clock.monotonicMs(); left > 0; left = end - clock.monotonicMs()) {
      await new Promise<void>((resolve) => void clock.after(resolve, Math.min(left, PROFILE_LOOK_MS)));
      if (isStopped || isOver()) throw new CodedError('deadline');
    }
  }

  return {
    time: (options) =>
      taking(async (post) => {
        const startedAtMs = clock.wallMs();
        await post('Profiler.enable');
        await post('Profiler.setSamplingInterval', { interval: PROFILE_STEP_US });
        await post('Profiler.start');
        await passed(options);
        const { profile } = (await post('Profiler.stop')) as Profiler.StopReturnType;
        return encoded(stacksOfTime(profile), {
          types: [
            ['samples', 'count'],
            ['cpu', 'nanoseconds'],
          ],
          startedAtMs,
          period: PROFILE_STEP_US * 1_000,
        });
      }),
    memory: (kind, options) =>
      taking(async (post) => {
        const startedAtMs = clock.wallMs();
        const all = kind === 'allocated';
        await post('HeapProfiler.enable');
        await post('HeapProfiler.startSampling', {
          samplingInterval: PROFILE_BYTES_STEP,
          includeObjectsCollectedByMajorGC: all,
          includeObjectsCollectedByMinorGC: all,
        });
        await passed(options);
        const { profile } = (await post('HeapProfiler.stopSampling')) as HeapProfiler.StopSamplingReturnType;
        return encoded(stacksOfMemory(profile), {
          types: [[all ? 'alloc_space' : 'inuse_space', 'bytes']],
          startedAtMs,
          period: PROFILE_BYTES_STEP,
        });
      }),
    resources: () => countsOf(process.getActiveResourcesInfo()),
    threads: threadsNow,
    counted(type, counts) {
      const stacks = [...counts].map(([functionName, count]) => ({
        frames: [{ functionName, file: '', line: 0 }],
        values: [count],
      }));
      return encoded(stacks, { types: [[type, 'count']], startedAtMs: clock.wallMs(), period: 1 });
    },
    heapSizes: () =>
      new Map([
        ...Object.entries(getHeapStatistics()),
        ...getHeapSpaceStatistics().flatMap(({ space_name, ...sizes }) =>
          Object.entries(sizes).map(([name, size]) => [`${space_name}.${name}`, size] as const),
        ),
      ]),
    commandLine: () => process.argv.map((text) => text.replace(SECRET_FLAGS, '$1=[redacted]')),
    stop() {
      isStopped = true;
    },
  };

  function encoded(
    stacks: readonly Stack[],
    about: Pick<Parameters<typeof encodeProfile>[0], 'types' | 'startedAtMs' | 'period'>,
  ): Buffer {
    return encodeProfile({ ...about, stacks, durationMs: clock.wallMs() - about.startedAtMs });
  }
}

type Post = (method: string, params?: object) => Promise<unknown>;

function countsOf(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function threadsNow(): ReadonlyMap<string, number> | undefined {
  const folder = '/proc/self/task';
  try {
    return countsOf(readdirSync(folder).map((id) => readFileSync(`${folder}/${id}/comm`, 'utf8').trim()));
  } catch {
    return undefined;
  }
}
