/**
 * The store's head: a number, sealed like all else, that one actor raises once a minute, and that every node remembers outside the store. A store
 * that shows a lower one was put back to an older state.
 *
 * @module
 */
import type { Names } from '../actors/places.ts';
import { readStored } from '../actors/stored.ts';
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type Cluster,
  OWN_CLAIMS,
} from '../model/actor.ts';
import { STORE_HEAD_MS } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';
import type { Post } from './post.ts';

interface Head {
  /** Raised by one each time; 0: never. */
  readonly n: number;
  /** Cluster time, ms. */
  readonly atMs: number;
}

/** What a node remembers, beyond its own end. */
export interface HeadMemory {
  /** 0: nothing. */
  read(): number;
  /** Durable at some time after it returns; a failure is its own business. */
  write(n: number): void;
}

export interface StoreHeadOptions {
  readonly storage: Storage;
  readonly names: Names;
  readonly memory: HeadMemory;
  readonly post: Pick<Post, 'transport' | 'send' | 'onMessage'>;
  cluster(): Pick<Cluster, 'send'>;
}

export interface StoreHead {
  /** For this node's actors. */
  readonly kind: ActorKind<Head>;
  readonly operations: readonly ActorOperation<Head, undefined, number>[];
  /** Once the node serves: raises the head, which keeps it going. */
  begin(): Promise<void>;
  /** Undefined: the store shows what was remembered, or newer. */
  check(): Promise<string | undefined>;
  /** The store is right: what it shows is remembered from now on. */
  accept(): Promise<void>;
}

const ID: ActorId = { kind: 'store-head', namespace: 'root', mount: 'catalog', name: 'head' };
const KIND: ActorKind<Head> = {
  kind: ID.kind,
  activeMax: 1,
  idleMs: 10 * STORE_HEAD_MS,
  mailboxMax: 64,
  keepsAbsent: true,
  decode(head) {
    if (!head) return { n: 0, atMs: 0 };
    const { n, atMs } = JSON.parse(Buffer.from(head).toString('utf8')) as Head;
    return { n, atMs };
  },
  encode: (head) => (head.n === 0 ? undefined : Buffer.from(JSON.stringify(head))),
  dueAt: ({ n, atMs }) => (n === 0 ? undefined : atMs + STORE_HEAD_MS),
  onDue: async (_head, id, cluster) =>
    void (await cluster.send(raise, id, undefined, { claims: OWN_CLAIMS })),
};

const raise: ActorOperation<Head, undefined, number> = {
  id: 'store-head/raise',
  actor: KIND,
  mode: 'change',
  run: ({ n }, _params, ctx) => ({ reply: n + 1, next: { state: { n: n + 1, atMs: ctx.now() } } }),
};

export function makeStoreHead(options: StoreHeadOptions): StoreHead {
  const { post, memory, storage, names } = options;
  let remembered = memory.read();

  function remember(n: number): void {
    if (n <= remembered) return;
    remembered = n;
    memory.write(n);
  }

  post.onMessage('store-head', (n) => {
    if (Number.isSafeInteger(n)) remember(n as number);
  });

  const stored = async (): Promise<number> => (await readStored(storage, names, KIND, ID)).state.n;

  return {
    kind: {
      ...KIND,
      async announce({ n }) {
        remember(n);
        for (const peer of post.transport.peers()) {
          try {
            post.send(peer, 'store-head', n);
          } catch {
            // It hears of the next one.
          }
        }
      },
    },
    operations: [raise],
    begin: async () => void (await options.cluster().send(raise, ID, undefined, { claims: OWN_CLAIMS })),
    async check() {
      // Read first: what is committed meanwhile is remembered later.
      const before = remembered;
      const found = await stored();
      if (found >= before) return undefined;
      return `the store was put back to an older state: its head is ${found}, this node remembers ${before}`;
    },
    async accept() {
      remembered = await stored();
      memory.write(remembered);
    },
  };
}
