/**
 * Profiles of this node under the names that Go's have (contract §2.12). What means nothing in Node.js says so.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import { PROFILE_SECONDS_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply, Request } from '../../model/request.ts';
import type { SystemCore } from './core.ts';
import type { NodeProfiles } from './node-core.ts';

const TEXT = 'text/plain; charset=utf-8';
const CPU_SECONDS = 30;
const MEMORY_SECONDS = 5;

/** What is answered, and in one line what it is; in the order of the index. */
const PROFILES: Readonly<Record<string, readonly [about: string, give: Give]>> = {
  allocs: ['memory that was allocated within ?seconds=5', memory('allocated')],
  cmdline: ['the command that started this process', ({ commandLine }) => text(commandLine().join('\0'))],
  goroutine: [
    'what the event loop waits for, by kind: Node.js has no goroutines',
    (profiles, asked) => counts(profiles, asked, 'resources', profiles.resources()),
  ],
  heap: [
    'memory allocated within ?seconds=5 and still in use; with ?debug=1 sizes of the whole heap, at once',
    (profiles, asked) =>
      asked.debug > 0 ? text(lines(profiles.heapSizes())) : memory('in use')(profiles, asked),
  ],
  profile: [
    'where the main thread spends its time within ?seconds=30',
    async (profiles, { seconds, request }) =>
      file(
        'profile',
        await profiles.time({ seconds: within(seconds, CPU_SECONDS), isOver: () => request.isOver }),
      ),
  ],
  symbol: ['nothing to look up: profiles carry names', () => text('num_symbols: 0\n')],
  threadcreate: [
    'threads of this process, by name',
    (profiles, asked) => counts(profiles, asked, 'threads', profiles.threads()),
  ],
};

/** Of Go's runtime, which Node.js has no counterpart of. */
const NOT_HERE: ReadonlySet<string> = new Set(['block', 'mutex', 'trace']);

interface Asked {
  readonly seconds: number | undefined;
  readonly debug: number;
  readonly request: Request;
}

type Give = (profiles: NodeProfiles, asked: Asked) => LogicalReply | Promise<LogicalReply>;

export function pprofRoutes(core: SystemCore): Record<string, Route> {
  return {
    pprof: {
      read: operation({ summary: 'Lists the profiles of this node.', params: {}, run: index }),
    },
    'pprof/:profile*': {
      read: operation({
        summary: 'Takes a profile of this node, in the format of pprof.',
        params: {
          seconds: p.int('How long it is watched.'),
          debug: p.int('More than 0: as text, where there is one.', { absent: 0 }),
        },
        run({ seconds, debug }, { captures: { profile = '' }, request }) {
          if (profile === '') return index();
          if (NOT_HERE.has(profile)) {
            throw new CodedError('unsupported_path', `Node.js has no ${profile} profile`);
          }
          if (!Object.hasOwn(PROFILES, profile)) throw new CodedError('unsupported_path');
          return PROFILES[profile]![1](core.profiles, { seconds, debug, request });
        },
      }),
    },
  };
}

function memory(kind: 'allocated' | 'in use'): Give {
  return async (profiles, { seconds, request }) => {
    const taken = { seconds: within(seconds, MEMORY_SECONDS), isOver: () => request.isOver };
    return file(kind === 'allocated' ? 'allocs' : 'heap', await profiles.memory(kind, taken));
  };
}

/** 0 is none said, as in Go. */
function within(seconds: number | undefined, absent: number): number {
  if (!seconds) return absent;
  if (seconds < 0) throw badRequest('seconds must not be negative');
  if (seconds > PROFILE_SECONDS_MAX)
    throw badRequest(`a profile takes at most ${PROFILE_SECONDS_MAX} seconds`);
  return seconds;
}

function counts(
  profiles: NodeProfiles,
  { debug }: Asked,
  type: string,
  found: ReadonlyMap<string, number> | undefined,
): LogicalReply {
  if (!found) throw new CodedError('unsupported_path', 'this operating system does not say');
  return debug > 0 ? text(lines(found)) : file(type, profiles.counted(type, found));
}

function lines(values: ReadonlyMap<string, number>): string {
  return [...values].map(([name, value]) => `${name} ${value}\n`).join('');
}

function text(body: string): LogicalReply {
  return { raw: { contentType: TEXT, body, headers: { 'X-Content-Type-Options': 'nosniff' } } };
}

function file(name: string, body: Uint8Array): LogicalReply {
  const headers = {
    'Content-Disposition': `attachment; filename="${name}"`,
    'X-Content-Type-Options': 'nosniff',
  };
  return { raw: { contentType: 'application/octet-stream', body, headers } };
}

function index(): LogicalReply {
  const rows = Object.entries(PROFILES).map(
    ([name, [about]]) => `<li><a href="/v1/sys/pprof/${name}">${name}</a>: ${about}</li>\n`,
  );
  const body = `<!doctype html>\n<title>Profiles of this node</title>\n<ul>\n${rows.join('')}</ul>\n`;
  return { raw: { contentType: 'text/html; charset=utf-8', body } };
}
