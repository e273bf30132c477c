/**
 * The store's head: a line of marks, sealed like all else, that one actor makes longer by one each minute, and that every node remembers outside the
 * store. A store that ends before what was remembered, or goes on otherwise, was put back to an older state.
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
import { CodedError } from '../model/errors.ts';
import { STORE_HEAD_MS, STORE_MARK_BYTES, STORE_MARKS_EVERY, STORE_MARKS_MAX } from '../model/limits.ts';
import type { Storage } from '../model/storage.ts';
import type { Post } from './post.ts';

/** Its number and random text. Two lines that part have different texts under one number. */
export type Mark = readonly [n: number, text: string];

/** Ascending; the newest are all there, of older ones each STORE_MARKS_EVERYth. */
export type Marks = readonly Mark[];

interface Head {
  readonly marks: Marks;
  /** Cluster time, ms. */
  readonly atMs: number;
}

/** What a node remembers, beyond its own end. */
export interface HeadMemory {
  /** None: nothing. */
  read(): Marks;
  /** Durable at some time after it returns; a failure is its own business. */
  write(marks: Marks): void;
}

export interface StoreHeadOptions {
  readonly storage: Storage;
  readonly names: Names;
  readonly memory: HeadMemory;
  readonly post: Pick<Post, 'transport' | 'send' | 'onMessage'>;
  cluster(): Pick<Cluster, 'send'>;
  /** Told once when the store is not what is remembered. */
  alarm?(text: string): void;
}

export interface StoreHead {
  /** For this node's actors. */
  readonly kind: ActorKind<Head>;
  readonly operations: readonly ActorOperation<Head, undefined, number>[];
  /** Once the node serves: looks, then makes the first mark, which keeps it going. */
  begin(): Promise<void>;
  /** Undefined: the store goes on from what was remembered. */
  check(): Promise<string | undefined>;
  /** It was found not to, and no operator has accepted it since. */
  isPutBack(): boolean;
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
    if (!head) return { marks: [], atMs: 0 };
    return JSON.parse(Buffer.from(head).toString('utf8')) as Head;
  },
  encode: (head) => (head.marks.length === 0 ? undefined : Buffer.from(JSON.stringify(head))),
  dueAt: ({ marks, atMs }) => (marks.length === 0 ? undefined : atMs + STORE_HEAD_MS),
  onDue: async (_head, id, cluster) =>
    void (await cluster.send(raise, id, undefined, { claims: OWN_CLAIMS })),
};

const raise: ActorOperation<Head, undefined, number> = {
  id: 'store-head/raise',
  actor: KIND,
  mode: 'change',
  run({ marks }, _params, ctx) {
    const n = lastOf(marks) + 1;
    const mark: Mark = [n, ctx.randomBytes(STORE_MARK_BYTES).toString('base64url')];
    return { reply: n, next: { state: { marks: thinned([...marks, mark]), atMs: ctx.now() } } };
  },
};

function lastOf(marks: Marks): number {
  return marks.at(-1)?.[0] ?? 0;
}

/** What is remembered by mistake would be missed in the store ever after. */
export function areMarks(value: unknown): value is Marks {
  if (!Array.isArray(value) || value.length > 2 * STORE_MARKS_MAX) return false;
  const isMark = (one: unknown): one is Mark =>
    Array.isArray(one) && Number.isSafeInteger(one[0]) && typeof one[1] === 'string';
  return value.every((one, at) => isMark(one) && (at === 0 || value[at - 1][0] < one[0]));
}

/** So that a node that was away for weeks finds one that it knows. */
export function thinned(marks: Marks): Marks {
  const last = lastOf(marks);
  const kept = marks.filter(([n]) => n > last - STORE_MARKS_MAX || n % STORE_MARKS_EVERY === 0);
  return kept.slice(-2 * STORE_MARKS_MAX);
}

/** Undefined: `stored` goes on from `remembered`, or has no mark that is remembered. */
export function parted(remembered: Marks, stored: Marks): string | undefined {
  if (lastOf(stored) < lastOf(remembered))
    return `the store was put back to an older state: it ends with mark ${lastOf(stored)}, ${lastOf(remembered)} is remembered`;
  const known = new Map(remembered);
  const other = stored.find(([n, text]) => (known.get(n) ?? text) !== text);
  if (other === undefined) return undefined;
  return `the store was put back to an older state, and has gone on from there: mark ${other[0]} is not the one that is remembered`;
}

export function makeStoreHead(options: StoreHeadOptions): StoreHead {
  const { post, memory, storage, names } = options;
  let remembered = memory.read();
  let isAlarmed = false;

  /** What is remembered stays as evidence until an operator accepts what the store shows. */
  function remember(marks: Marks): void {
    const fault = parted(remembered, marks);
    if (fault !== undefined) {
      // A message that another one has overtaken is older, too.
      if (lastOf(marks) >= lastOf(remembered)) sayAlarm(fault);
      return;
    }
    if (lastOf(marks) === lastOf(remembered)) return;
    remembered = marks;
    memory.write(marks);
  }

  function sayAlarm(fault: string): void {
    if (!isAlarmed) options.alarm?.(fault);
    isAlarmed = true;
  }

  post.onMessage('store-head', (marks) => {
    if (!areMarks(marks)) throw new CodedError('unsupported');
    remember(marks);
  });

  const stored = async (): Promise<Marks> => (await readStored(storage, names, KIND, ID)).state.marks;

  async function check(): Promise<string | undefined> {
    // Read first: what is committed meanwhile is remembered later.
    const before = remembered;
    const fault = parted(before, await stored());
    if (fault !== undefined) sayAlarm(fault);
    return fault;
  }

  return {
    kind: {
      ...KIND,
      async announce({ marks }) {
        remember(marks);
        for (const peer of post.transport.peers()) {
          try {
            post.send(peer, 'store-head', marks);
          } catch {
            // It hears of the next one.
          }
        }
      },
    },
    operations: [raise],
    async begin() {
      await check();
      await options.cluster().send(raise, ID, undefined, { claims: OWN_CLAIMS });
    },
    check,
    isPutBack: () => isAlarmed,
    async accept() {
      remembered = await stored();
      isAlarmed = false;
      memory.write(remembered);
    },
  };
}
