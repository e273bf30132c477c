/**
 * What owners and holders tell each other (protocol §7). Each message names the lives it goes from and to: what was meant for another life is
 * not taken. Peers do not lie, but another release may write otherwise than we read.
 *
 * @module
 */
import type { ActorId } from '../../model/actor.ts';
import { CodedError } from '../../model/errors.ts';
import { ENDS_MAX } from '../../model/limits.ts';

export const KIND = {
  /** Holder to owner: renew. */
  heartbeat: 'hb',
  /** Owner to holder: renewed for so long. */
  renewal: 'hb/renewal',
  /** Holder to owner, a request: the snapshot of an actor, and leave to answer from it. */
  ask: 'ask',
  /** Owner to holder: answer from these no more. */
  end: 'end',
  /** Holder to owner: nothing is answered from these any more; also unasked. */
  ended: 'ended',
} as const;

/** Lives (`inc`) of who sent it and whom it is for. */
interface Way {
  readonly from: string;
  readonly to: string;
}

export interface Heartbeat extends Way {
  /** The holder's clock, ms. */
  readonly askedMs: number;
}

export interface Renewal extends Way {
  readonly askedMs: number;
  /** Grants given under another one are not meant. */
  readonly generation: number;
  /** The link is good for so long after `askedMs`; 0: not renewed. */
  readonly termMs: number;
  /** The owner's clock. */
  readonly clockMs: number;
}

export interface Ask extends Way {
  readonly id: ActorId;
  /** The holder's last REPLICA_READS_WORTH reads of it fell within so long, as a reason to grant a `hot` one; 0: no reason is needed. */
  readonly spanMs: number;
}

/** What `ask` is answered with where it is not granted: it is in vain until then, or might be granted at the next try (0). */
export interface Declined {
  readonly againMs: number;
}

/** What `ask` is answered with where it is granted. */
export interface Granted {
  readonly generation: number;
  /** Rises with each grant of a life. */
  readonly number: number;
  readonly version: number;
  /** Undefined: nothing is stored of it. */
  readonly head: Uint8Array | undefined;
  readonly termMs: number | undefined;
}

/** Of one grant. `reads`: how often its replica was answered from, as far as the holder says. */
export interface GrantName {
  readonly key: string;
  readonly number: number;
  readonly reads: number;
}

export interface Ends extends Way {
  readonly grants: readonly GrantName[];
}

/** @throws CodedError `unsupported` */
export function readHeartbeat(value: unknown): Heartbeat {
  const { from, to, askedMs } = fields(value);
  return { from: text(from), to: text(to), askedMs: finite(askedMs) };
}

/** @throws CodedError `unsupported` */
export function readRenewal(value: unknown): Renewal {
  const { from, to, askedMs, generation, termMs, clockMs } = fields(value);
  return {
    from: text(from),
    to: text(to),
    askedMs: finite(askedMs),
    generation: finite(generation),
    termMs: finite(termMs),
    clockMs: finite(clockMs),
  };
}

/** @throws CodedError `unsupported` */
export function readAsk(value: unknown): Ask {
  const { from, to, id, spanMs } = fields(value);
  const { kind, namespace, mount, name } = fields(id);
  return {
    from: text(from),
    to: text(to),
    id: { kind: text(kind), namespace: text(namespace), mount: text(mount), name: text(name) },
    spanMs: finite(spanMs),
  };
}

/** @throws CodedError `unsupported` */
export function readGranted(value: unknown): Granted | Declined {
  const { generation, number, version, head, termMs, againMs } = fields(value);
  if (againMs !== undefined) return { againMs: finite(againMs) };
  if (head !== undefined && !(head instanceof Uint8Array)) throw notUnderstood();
  return {
    generation: finite(generation),
    number: finite(number),
    version: finite(version),
    head,
    termMs: termMs === undefined ? undefined : finite(termMs),
  };
}

/** @throws CodedError `unsupported` */
export function readEnds(value: unknown): Ends {
  const { from, to, grants } = fields(value);
  if (!Array.isArray(grants) || grants.length > ENDS_MAX) throw notUnderstood();
  return {
    from: text(from),
    to: text(to),
    grants: grants.map((grant) => {
      const { key, number, reads } = fields(grant);
      return { key: text(key), number: finite(number), reads: finite(reads) };
    }),
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw notUnderstood();
  return value as Readonly<Record<string, unknown>>;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw notUnderstood();
  return value;
}

function finite(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw notUnderstood();
  return value;
}

function notUnderstood(): CodedError {
  return new CodedError('unsupported');
}
