/**
 * nact behind our own door. Three of its habits are not ours: `query` may hand a reply to the wrong caller (32-bit ids), the default
 * supervision prints the whole message, and a parent's cost per message grows with its children. So: replies go through
 * resolvers that travel with the message, every actor has its own `onCrash`, and parents are one per shard.
 *
 * @module
 */
import { type ActorSystemRef, dispatch, type Ref, spawn, start, stop } from 'nact';
import { SHARDS } from './places.ts';

type Wake = 'wake';

export interface Spawned {
  /** Lets the actor work through what waits in its mailbox. Never lost: it is asked for again while something waits. */
  wake(): void;
  stop(): void;
}

export interface Spawner {
  /** @param work - runs one at a time for this actor. Should not reject; if it does, `crashed` hears of it and the actor goes on. */
  spawn(shard: number, work: () => Promise<void>, crashed: (error: Error | undefined) => void): Spawned;
}

export function makeSpawner(): Spawner {
  const system: ActorSystemRef = start();
  const shards: (Ref<Wake> | undefined)[] = new Array(SHARDS);
  let names = 0;

  const parentOf = (shard: number): Ref<Wake> => {
    shards[shard] ??= spawn(system, (state: undefined) => state, `shard-${shard}`, {
      onCrash: (_message, _error, ctx) => ctx.resume,
    }) as Ref<Wake>;
    return shards[shard];
  };

  return {
    spawn(shard, work, crashed) {
      const ref = spawn(
        parentOf(shard),
        // The message says only that there is work; what the actor is lies with the one who works, not in nact's state.
        work as () => Promise<undefined>,
        `a${++names}`,
        {
          onCrash: (_message, error, ctx) => {
            crashed(error);
            return ctx.resume;
          },
        },
      ) as Ref<Wake>;
      return { wake: () => dispatch(ref, 'wake'), stop: () => stop(ref) };
    },
  };
}
