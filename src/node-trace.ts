/**
 * What a node does, for who listens to its log at `debug` and `trace`: new views, actors that are activated, and what goes from node to node.
 * Never what an actor is called: that may be an accessor. Where nobody listens it costs a comparison.
 *
 * @module
 */
import { RUN, readLetter } from './cluster/letters.ts';
import type { MembershipHooks } from './cluster/membership-hooks.ts';
import type { Post } from './cluster/post.ts';
import type { ActorId } from './model/actor.ts';
import type { Log, LogFields } from './model/log.ts';
import type { PeerId } from './model/transport.ts';

/** To be told of each actor whose state was read from the store. */
export function activationTrace(log: Log): (id: ActorId) => void {
  const actors = log.named('actors');
  return ({ kind, namespace, mount }) => {
    if (actors.isHeard('trace')) actors.trace('activated', { kind, namespace, mount });
  };
}

/** To be told of each view. */
export function viewTrace(log: Log): MembershipHooks['onView'] {
  const views = log.named('view');
  return ({ epoch, members }, entered) => {
    if (!views.isHeard('debug')) return;
    views.debug('a new view', { epoch, members: members.map(({ nodeId }) => nodeId).join(' '), entered });
  };
}

/** @param nameOf - what an operator calls the node; undefined: it is none of this view. */
export function tracedPost(post: Post, log: Log, nameOf: (peer: PeerId) => string | undefined): Post {
  const posts = log.named('post');

  function told(message: string, peer: PeerId, kind: string, value: unknown, asked: Promise<unknown>) {
    const startedMs = performance.now();
    const tell = (outcome: string) => {
      const took_ms = Math.round((performance.now() - startedMs) * 1_000) / 1_000;
      posts.trace(message, {
        node: nameOf(peer) ?? peer,
        what: kind,
        ...ranBy(kind, value),
        took_ms,
        outcome,
      });
    };
    asked.then(
      () => tell('answered'),
      (error: unknown) => tell(String((error as { code?: unknown })?.code ?? (error as Error)?.name)),
    );
    return asked;
  }

  return {
    ...post,
    request(peer, kind, value, options) {
      const asked = post.request(peer, kind, value, options);
      return posts.isHeard('trace') ? told('asked', peer, kind, value, asked) : asked;
    },
    onRequest(kind, handler) {
      post.onRequest(kind, (value, from) => {
        if (!posts.isHeard('trace')) return handler(value, from);
        return told(
          'was asked',
          from.peer,
          kind,
          value,
          tried(() => handler(value, from)),
        );
      });
    },
  };
}

async function tried(act: () => unknown): Promise<unknown> {
  return act();
}

/** Of what is asked of an actor: which operation, of what kind of actor. */
function ranBy(kind: string, value: unknown): LogFields {
  if (kind !== RUN) return {};
  try {
    const { op, id } = readLetter(value);
    return { operation: op, kind: id.kind };
  } catch {
    return {};
  }
}
