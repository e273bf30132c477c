/**
 * A whole Coffer in the test's own process, with a hand on its store: for what can only be seen between two steps of a request.
 *
 * @module
 */
import { type Coffer, openCoffer } from '../../src/main.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import type { Storage } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';
import { freePort } from './free-port.ts';
import { type CallReply, call } from './http.ts';

export interface InnerCoffer {
  readonly coffer: Coffer;
  readonly storage: Storage;
  readonly root: string;
  /** Such as `http://127.0.0.1:8200`. */
  readonly address: string;
  /** All that are needed to unseal, at least. */
  readonly keys: readonly Uint8Array[];
  readonly key: Uint8Array;
  /** Awaited before each commit; may throw. */
  beforeCommit: ((paths: readonly string[]) => Promise<void> | void) | undefined;
  /** Awaited before each list is read. */
  beforeList: ((prefix: string) => Promise<void> | void) | undefined;
  /** Commits so far. */
  commits: number;
  ask(method: string, path: string, body?: unknown, token?: string): Promise<CallReply>;
}

/** Initialised, unsealed, listening, with KV v1 at `kv/`. */
export async function startInnerCoffer(config = { shares: 1, threshold: 1 }): Promise<InnerCoffer> {
  const port = await freePort();
  const storage = await openLmdb({ type: 'inmem' });
  const watched: Storage = {
    type: storage.type,
    get: (path, signal) => storage.get(path, signal),
    async list(prefix, after, limit, signal) {
      await inner.beforeList?.(prefix);
      return storage.list(prefix, after, limit, signal);
    },
    async commit(changes, conditions, signal) {
      await inner.beforeCommit?.(changes.map(({ path }) => path));
      inner.commits++;
      return storage.commit(changes, conditions, signal);
    },
    close: () => storage.close(),
  };
  const coffer = await openCoffer({
    storage: { type: 'inmem' },
    openStorage: async () => watched,
    listeners: [{ address: `127.0.0.1:${port}`, tls_disable: true }],
    apiAddress: `http://127.0.0.1:${port}`,
    clusterAddress: `https://127.0.0.1:${port}`,
    defaultLeaseTtl: 3_600,
    maxLeaseTtl: 3_600,
    log: SILENT_LOG,
  });
  const inner: { -readonly [name in keyof InnerCoffer]: InnerCoffer[name] } = {
    coffer,
    storage,
    root: '',
    address: `http://127.0.0.1:${port}`,
    keys: [],
    key: new Uint8Array(0),
    beforeCommit: undefined,
    beforeList: undefined,
    commits: 0,
    ask: (method, path, body, token = inner.root) =>
      call(`http://127.0.0.1:${port}`, method, `/v1/${path}`, { token, body }),
  };
  const { keys, rootToken } = await coffer.lifecycle.init(config);
  inner.root = rootToken;
  inner.keys = keys;
  inner.key = keys[0]!;
  for (const key of keys.slice(0, config.threshold)) await coffer.lifecycle.unseal(key);
  await coffer.listen();
  await inner.ask('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } });
  return inner;
}
