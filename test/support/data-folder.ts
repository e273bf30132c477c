/**
 * Data folders that are kept: a server on one, and how its answers compare. What is in them: `data-folder-content.ts`. `scripts/make-data-folder.ts` makes
 * them, `test/e2e/data-folders.test.ts` opens them with the build of the day.
 *
 * @module
 */
import { openCoffer } from '../../src/main.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import { freePort } from './free-port.ts';
import { type CallReply, call } from './http.ts';

/** Seconds. Longer than anybody will keep these folders: what is in them must not expire. */
const LONG_S = 3_000_000_000;

/** `expected.json` beside a store. */
export interface KeptFolder {
  readonly note: string;
  /** Of the build that made it. */
  readonly version: string;
  /** Base64. */
  readonly keys: readonly string[];
  readonly threshold: number;
  readonly tokens: Readonly<Record<string, string>>;
  readonly answers: readonly KeptAnswer[];
}

/** A question and what it must be answered for ever: each member of `body` is there, with this value. */
export interface KeptAnswer extends Question {
  readonly status: number;
  readonly body: unknown;
}

export interface Question {
  /** Name of a token; undefined: none. */
  readonly as: string | undefined;
  readonly method: string;
  /** After `/v1/`. */
  readonly path: string;
  readonly send?: unknown;
}

export interface OpenFolder {
  readonly address: string;
  ask(question: Question, tokens: Readonly<Record<string, string>>): Promise<CallReply>;
  stop(): Promise<void>;
}

/** A server of this build on `folder`, sealed. */
export async function openFolder(folder: string): Promise<OpenFolder> {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const coffer = await openCoffer({
    storage: { type: 'file', folder },
    listeners: [{ address: `127.0.0.1:${port}`, tls_disable: true }],
    apiAddress: address,
    clusterAddress: address,
    clusterName: 'kept',
    defaultLeaseTtl: LONG_S,
    maxLeaseTtl: LONG_S,
    log: SILENT_LOG,
  });
  await coffer.listen();
  return {
    address,
    stop: coffer.stop,
    ask({ as, method, path, send }, tokens) {
      const token = as === undefined ? undefined : tokens[as];
      if (as !== undefined && token === undefined) throw new Error(`there is no token "${as}"`);
      return call(address, method, `/v1/${path}`, { token, body: send });
    },
  };
}

/** Members that differ from one answer to the next, or from one build to the next. Words of errors may be mended; statuses are kept. */
const VOLATILE = new Set([
  'request_id',
  'ttl',
  'creation_ttl',
  'install_time',
  'encryptions',
  'errors',
  'build_date',
  'commit_date',
  'coffer_version',
  'running_plugin_version',
]);

/** An answer without what is another each time. */
export function lasting(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(lasting);
  if (body === null || typeof body !== 'object') return body;
  // A build's version is a text, a secret's a number.
  const kept = Object.entries(body).filter(
    ([name, value]) => !VOLATILE.has(name) && !(name === 'version' && typeof value === 'string'),
  );
  return Object.fromEntries(kept.map(([name, value]) => [name, lasting(value)]));
}

/** Is all that `expected` has in `actual` too? A later build may say more. */
export function isWithin(expected: unknown, actual: unknown): boolean {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || expected.length !== actual.length) return false;
    return expected.every((each, at) => isWithin(each, actual[at]));
  }
  if (expected === null || typeof expected !== 'object') return Object.is(expected, actual);
  if (actual === null || typeof actual !== 'object' || Array.isArray(actual)) return false;
  const members = actual as Record<string, unknown>;
  return Object.entries(expected).every(
    ([name, value]) => Object.hasOwn(members, name) && isWithin(value, members[name]),
  );
}
