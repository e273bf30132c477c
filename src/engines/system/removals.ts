/**
 * What was disabled or deleted and is still being removed: how long that has run, and how far it has come. Ours, beside Vault's `in-flight-req`.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import type { Encodable } from '../../model/json.ts';
import { rfc3339 } from '../../model/time.ts';
import type { Removal, SystemCore } from './core.ts';

export function removalRoutes(core: SystemCore): Record<string, Route> {
  return {
    removals: {
      read: operation({
        summary: 'Shows mounts and namespaces that are gone and whose records are still being removed.',
        params: {},
        run: async (_params, { now }) => {
          const { mounts, namespaces } = await core.removals();
          const rows: [string, Encodable][] = [
            ...mounts.map((mount): [string, Encodable] => [
              mount.id,
              { kind: 'mount', mount_type: mount.type, ...shown(mount, now()) },
            ]),
            ...namespaces.map((one): [string, Encodable] => [
              one.id,
              { kind: 'namespace', ...shown(one, now()) },
            ]),
          ];
          return { data: new Map(rows) };
        },
      }),
    },
  };
}

function shown({ path, sinceMs, removed }: Removal, nowMs: number): { [key: string]: Encodable } {
  return {
    path,
    start_time: sinceMs === undefined ? null : rfc3339(sinceMs),
    running_seconds: sinceMs === undefined ? null : Math.max(0, Math.floor((nowMs - sinceMs) / 1_000)),
    removed,
  };
}
