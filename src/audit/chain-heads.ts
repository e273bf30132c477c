/**
 * How far each chain of audit lines has come, in the store: one sealed record a chain. Its one writer is the node whose chain it is, so it is no
 * actor's; every node reads it.
 *
 * @module
 */
import type { KeptHead } from '../model/audit-chain.ts';
import type { Storage } from '../model/storage.ts';

const PREFIX = 'audit-head/';

export interface ChainHeads {
  /** Undefined: nothing is known of that chain. */
  load(chain: string): Promise<{ readonly head: KeptHead; readonly version: number } | undefined>;
  /**
   * @param version - what `load` or the last `keep` said; 0: there is none yet.
   * @returns the version it has now. @throws Conflict when another process wrote it meanwhile.
   */
  keep(chain: string, head: KeptHead, version: number): Promise<number>;
  /** Of a device that never came to be. */
  forget(chain: string): Promise<void>;
  /** Ids of chains after `after`, in order. */
  list(after: string, limit: number): Promise<string[]>;
}

/** @param storage - sealed: what it gives is open. */
export function makeChainHeads(storage: Storage): ChainHeads {
  return {
    async load(chain) {
      const stored = await storage.get(PREFIX + chain);
      if (!stored) return undefined;
      const head = JSON.parse(Buffer.from(stored.value).toString('utf8')) as KeptHead;
      return { head, version: stored.version };
    },
    keep(chain, head, version) {
      const path = PREFIX + chain;
      return storage.commit([{ path, value: Buffer.from(JSON.stringify(head)) }], [{ path, version }]);
    },
    async forget(chain) {
      await storage.commit([{ path: PREFIX + chain, value: undefined }], []);
    },
    async list(after, limit) {
      const paths = await storage.list(PREFIX, after === '' ? '' : PREFIX + after, limit);
      return paths.map((path) => path.slice(PREFIX.length));
    },
  };
}
