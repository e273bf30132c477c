/**
 * Kinds of actors whose head record is JSON.
 *
 * @module
 */
import type { ActorKind } from '../../src/model/actor.ts';

/** Nothing is stored of an actor whose state is undefined. @param more - what differs from a hundred active ones with a mailbox of a hundred. */
export function jsonKind<S>(
  kind: string,
  more: Partial<ActorKind<S | undefined>> = {},
): ActorKind<S | undefined> {
  return {
    kind,
    activeMax: 100,
    idleMs: 60_000,
    mailboxMax: 100,
    decode: (head) => head && (JSON.parse(Buffer.from(head).toString()) as S),
    encode: (state) => state && Buffer.from(JSON.stringify(state)),
    ...more,
  };
}
