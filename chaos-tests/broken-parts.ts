/**
 * Parts that planted faults break: stores, clusters and coordinators that do not keep a rule.
 *
 * @module
 */
import { FENCE_PREFIX } from '../src/cluster/fences.ts';
import { decodeView, encodeView, VIEW_KEY } from '../src/cluster/view.ts';
import type { Cluster } from '../src/model/actor.ts';
import type { Coordinator } from '../src/model/coordinator.ts';
import type { Mount } from '../src/model/mount.ts';
import type { Change, Condition, Storage } from '../src/model/storage.ts';
import { LOCKED_AFTER } from './sim/mounts.ts';
import type { Spaces } from './sim/spaces.ts';

/** A claim still has its condition. */
export function isNoFence({ path }: Condition, changes: readonly Change[]): boolean {
  return !path.startsWith(FENCE_PREFIX) || changes.some((change) => change.path === path);
}

/** A token whose parent nobody sees. */
export function orphaned<T>(state: T): T {
  const parent = (state as { parent?: string } | undefined)?.parent;
  return parent === undefined ? state : { ...state, parent: undefined };
}

export function withoutAncestors(cluster: Cluster): Cluster {
  return {
    ...cluster,
    async send(op, id, params, options) {
      const reply = await cluster.send(op, id, params, options);
      return op.id === 'token/read' ? orphaned(reply) : reply;
    },
    peek(id) {
      const found = cluster.peek(id);
      return found && id.kind === 'token' ? { state: orphaned(found.state), touched: true } : found;
    },
  };
}

export function withoutUnwrapping(cluster: Cluster): Cluster {
  return {
    ...cluster,
    async send(op, id, params, options) {
      const reply = await cluster.send(op, id, params, options);
      return op.id === 'token/unwrap' ? (true as typeof reply) : reply;
    },
  };
}

/** A login looks at the secret id, and takes its use whether or not there was one left by then. */
export function withUsesUnasked(cluster: Cluster): Cluster {
  return {
    ...cluster,
    async send(op, id, params, options) {
      const reply = await cluster.send(op, id, params, options);
      return op.id === 'approle-secret-id/use' ? (true as typeof reply) : reply;
    },
  };
}

/** A node goes on finding mounts wherever it has found them once. */
export function withPlacesRemembered(spaces: Spaces): Spaces {
  const { mounts } = spaces;
  const met = new Map<string, Mount>();
  return {
    ...spaces,
    mounts: {
      ...mounts,
      of(id) {
        const table = mounts.of(id);
        const find = (path: string) => {
          const found = table.find(path);
          const key = `${id} ${path.slice(0, path.indexOf('/'))}`;
          if (found) met.set(key, found);
          return found ?? met.get(key);
        };
        return { ...table, find };
      },
    },
  };
}

/** What a namespace leaves behind is swept, but for its tokens. */
export function withTokensUnswept(spaces: Spaces): Spaces {
  return {
    ...spaces,
    sweep: (parts) => spaces.sweep({ ...parts, tokens: { ...parts.tokens, endAll: async () => {} } }),
  };
}

/** What ends looks for what is below it, and finds nothing. */
export function withChildrenLeft(storage: Storage): Storage {
  return {
    ...storage,
    list: async (prefix, after, limit, signal) =>
      prefix.startsWith('by/parent/') ? [] : storage.list(prefix, after, limit, signal),
  };
}

export function withFailuresOfItsOwn(cluster: Cluster): Cluster {
  const counts = new Map<string, number>();
  return {
    ...cluster,
    async send(op, id, params, options) {
      if (op.actor.kind !== 'failed-logins') return cluster.send(op, id, params, options);
      const count = counts.get(id.name) ?? 0;
      const isLocked = count >= LOCKED_AFTER;
      if (op.mode === 'read') return isLocked as never;
      if (!isLocked) counts.set(id.name, (params as { right: boolean }).right ? 0 : count + 1);
      return !isLocked as never;
    },
  };
}

export function withoutTimersAtStart(storage: Storage): Storage {
  return {
    ...storage,
    list: async (prefix, after, limit, signal) =>
      prefix.startsWith('timer/') && limit === 1 ? [] : storage.list(prefix, after, limit, signal),
  };
}

/** Where a view is written together with the end of a record, every shard goes to the next member. */
export function movingLivingShards(coordinator: Coordinator): Coordinator {
  const moved = (value: Uint8Array): Uint8Array => {
    const view = decodeView(value);
    const incs = view.members.map(({ inc }) => inc);
    return encodeView({
      ...view,
      shards: view.shards.map((owner) => incs[(incs.indexOf(owner) + 1) % incs.length]!),
    });
  };
  return {
    ...coordinator,
    step(step) {
      if (!step.changes.some(({ value }) => value === undefined)) return coordinator.step(step);
      const changes = step.changes.map(({ key, value }) => ({
        key,
        value: value && key === VIEW_KEY ? moved(value) : value,
      }));
      return coordinator.step({ ...step, changes });
    },
  };
}
