/**
 * Secret ids: each a small record of its own, and an actor, so that it is used exactly as often as allowed, through whichever node. The secret id
 * itself is stored nowhere: its accessor is a keyed one-way function of it and of its role, and names the record, so that one record answers
 * for both.
 *
 * @module
 */
import { hmacHex } from '../../crypto/hmac.ts';
import { type ActorId, type ActorKind, type ActorOperation, OWN_CLAIMS } from '../../model/actor.ts';
import { CodedError, multiError } from '../../model/errors.ts';
import { MINUTE_MS, SECRET_IDS_ACTIVE_MAX } from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import { uuidOfHex } from './uuids.ts';

/** As it rests. Times are wall-clock ms. */
export interface SecretId {
  /** Uses that are left; 0: not limited. */
  readonly usesLeft: number;
  /** As asked for, seconds; 0: for ever. */
  readonly ttl: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Absent: never. */
  readonly expiresAtMs?: number;
  readonly metadata: Record<string, string>;
  /** Networks from which it logs in. */
  readonly cidrs: string[];
  /** Networks of the tokens; empty: the role's. */
  readonly tokenCidrs: string[];
}

/** One that is asked for: its owner says when it began. `lasts`: seconds until it ends; 0: never. */
export interface NewSecretId extends Omit<SecretId, 'createdAtMs' | 'updatedAtMs' | 'expiresAtMs'> {
  readonly lasts: number;
}

type State = SecretId | undefined;

/** Its name is `<generation of the role>/<accessor>`. */
export const secretId: ActorKind<State> = {
  kind: 'approle-secret-id',
  replicas: 'hot',
  activeMax: SECRET_IDS_ACTIVE_MAX,
  idleMs: 5 * MINUTE_MS,
  mailboxMax: 1_024,
  decode: (head) => (head === undefined ? undefined : JSON.parse(Buffer.from(head).toString())),
  encode: (state) => (state === undefined ? undefined : Buffer.from(JSON.stringify(state))),
  goodUntilMs: (state) => state?.expiresAtMs,
  dueAt: (state) => state?.expiresAtMs,
  async onDue(_state, id, cluster) {
    await cluster.send(expireSecretId, id, undefined, { claims: OWN_CLAIMS });
  },
};

export function secretIdId(
  { namespace, uuid }: Pick<Mount, 'namespace' | 'uuid'>,
  generation: string,
  accessor: string,
): ActorId {
  return { kind: secretId.kind, namespace, mount: uuid, name: `${generation}/${accessor}` };
}

const isExpired = (state: SecretId, nowMs: number): boolean =>
  state.expiresAtMs !== undefined && state.expiresAtMs <= nowMs;

/** The secret id, over or not: see `isExpired`. */
export const secretIdState: ActorOperation<State, undefined, State> = {
  id: 'approle-secret-id/state',
  actor: secretId,
  mode: 'read',
  run: (state, _params, ctx) => ({ reply: state && isExpired(state, ctx.now()) ? undefined : state }),
};

export const createSecretId: ActorOperation<State, NewSecretId, void> = {
  id: 'approle-secret-id/create',
  actor: secretId,
  mode: 'change',
  run(state, { lasts, ...fresh }, ctx) {
    const nowMs = ctx.now();
    if (state && !isExpired(state, nowMs))
      throw new CodedError(
        'internal',
        multiError(['failed to store secret_id: SecretID is already registered']),
      );
    // Ends are judged by the owner's clock: so this is whose it begins by.
    const begun: SecretId = { ...fresh, createdAtMs: nowMs, updatedAtMs: nowMs };
    return {
      reply: undefined,
      next: { state: lasts > 0 ? { ...begun, expiresAtMs: nowMs + lasts * 1_000 } : begun },
    };
  },
};

/** Takes one use; false: there is none left, or no such secret id. The last use takes it away. */
export const useSecretId: ActorOperation<State, undefined, boolean> = {
  id: 'approle-secret-id/use',
  actor: secretId,
  mode: 'change',
  isUse: true,
  run(state, _params, ctx) {
    if (state === undefined) return { reply: false };
    // What expired stays expired, whatever the clock says next.
    if (isExpired(state, ctx.now())) return { reply: false, next: { state: undefined } };
    if (state.usesLeft === 0) return { reply: true };
    const usesLeft = state.usesLeft - 1;
    const next = usesLeft === 0 ? undefined : { ...state, usesLeft, updatedAtMs: ctx.now() };
    return { reply: true, next: { state: next } };
  },
};

/** Replies whether there was one. */
export const destroySecretId: ActorOperation<State, undefined, boolean> = {
  id: 'approle-secret-id/destroy',
  actor: secretId,
  mode: 'change',
  run: (state, _params, ctx) =>
    state === undefined
      ? { reply: false }
      : { reply: !isExpired(state, ctx.now()), next: { state: undefined } },
};

export const expireSecretId: ActorOperation<State, undefined, void> = {
  id: 'approle-secret-id/expire',
  actor: secretId,
  mode: 'change',
  run: (state, _params, ctx) =>
    state && isExpired(state, ctx.now())
      ? { reply: undefined, next: { state: undefined } }
      : { reply: undefined },
};

export const SECRET_ID_SENDS = [secretIdState, createSecretId, useSecretId, destroySecretId, expireSecretId];

/** @param key - 32 bytes that never change; wiped after use. */
export function makeAccessors(key: () => Uint8Array): (generation: string, secret: string) => string {
  return (generation, secret) => {
    const bytes = key();
    // A generation is a UUID: no two pairs are one text.
    const mac = hmacHex(bytes, `${generation}/${secret}`);
    bytes.fill(0);
    return uuidOfHex(mac);
  };
}
