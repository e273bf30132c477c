/**
 * What nodes could answer with, compared at every answer and at every change, as it stands in their memory (protocol §20: I2, I4, I5). A client
 * that happens to read at the wrong moment is not needed to find what goes wrong.
 *
 * @module
 */
import { headPath } from '../../src/actors/places.ts';
import { type ActorId, actorKey } from '../../src/model/actor.ts';
import { NAMES } from '../sim/mounts.ts';
import type { SimNode, World } from '../sim/world.ts';

/** What a node would answer a read of an actor with, in this turn. */
export interface Answerable {
  /** Of the head; 0: there is none. */
  readonly version: number;
  readonly by: 'owner' | 'replica';
}

export interface Answers {
  /** In the turn in which a node answers from a replica: all others who could answer have the same. */
  fromReplica(name: string, key: string, version: number): void;
  /** In the turn in which an owner answers: what it shows is no older than what another was told that it has committed. */
  fromOwner(name: string, id: ActorId): void;
  /** In the turn in which an owner shows another state, since it was committed or loaded: nobody else can answer with an older one. */
  shown(name: string, key: string): void;
}

export function watchAnswers(world: World): Answers {
  const { scheduler, store, nodes, violations } = world;
  const byName = new Map<string, SimNode>();

  function nodeOf(name: string): SimNode {
    if (byName.size === 0) for (const node of nodes) byName.set(node.process.name, node);
    return byName.get(name)!;
  }

  function violated(text: string): void {
    if (violations.length === 0) violations.push(text.replace(':', `: at ${scheduler.nowMs.toFixed(1)}`));
  }

  function compare(invariant: string, name: string, key: string, mine: number, what: string): void {
    for (const { process, answerable } of nodes) {
      if (process.name === name || !process.isAlive) continue;
      const theirs = answerable?.(key);
      if (theirs && theirs.version !== mine)
        violated(
          `${invariant}: ${name} ${what} version ${mine} of ${key}, ${process.name} has ${theirs.version} as ${theirs.by}`,
        );
    }
  }

  return {
    fromReplica: (name, key, version) => compare('I4', name, key, version, 'answers from a replica with'),
    shown(name, key) {
      const mine = nodeOf(name).answerable?.(key);
      if (mine?.by === 'owner') compare('I5', name, key, mine.version, 'shows');
    },
    fromOwner(name, id) {
      const { process, answerable } = nodeOf(name);
      const mine = answerable?.(actorKey(id));
      if (mine?.by !== 'owner') return;
      const last = store.lastAt(headPath(NAMES, id));
      if (
        !last?.isAcknowledged ||
        (last.by === name && last.life === process.life) ||
        last.version === mine.version
      )
        return;
      if (last.isDeletion && mine.version === 0) return;
      violated(
        `I2: ${name} answers with version ${mine.version} of ${actorKey(id)}; ${last.by} was told that it has made ${last.version}`,
      );
    },
  };
}
