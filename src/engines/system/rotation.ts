/**
 * The barrier's data key: its age, a new one, and when one begins by itself (contract §2.1). OpenBao calls the same `rotate/keyring`.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { SECOND_MS } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import { rfc3339 } from '../../model/time.ts';
import type { SystemCore } from './core.ts';
import type { SealControl } from './seal-core.ts';

export function rotationRoutes({ seal }: SystemCore): Record<string, Route> {
  const rotate: Route = {
    sudo: true,
    update: operation({
      summary: 'Makes a new data key for the barrier; what is stored stays under its own.',
      params: {},
      run: async () => {
        await seal.rotate();
        return {};
      },
    }),
  };
  const config = configRoute(seal);
  return {
    'key-status': {
      read: operation({
        summary: "Shows the age of the barrier's data key.",
        params: {},
        run: async () => {
          const { term, installedAtMs, encryptions } = await seal.keyStatus();
          return { inject: true, data: { term, install_time: rfc3339(installedAtMs), encryptions } };
        },
      }),
    },
    rotate,
    'rotate/keyring': rotate,
    'rotate/config': config,
    'rotate/keyring/config': config,
  };
}

function configRoute(seal: SealControl): Route {
  return {
    read: operation({
      summary: 'Shows when a new data key begins by itself.',
      params: {},
      run: async () => {
        const { enabled, operationsMax, intervalMs } = await seal.rotation();
        const interval = intervalMs === 0 ? 0 : p.goDuration(intervalMs / SECOND_MS);
        return { data: { enabled, interval, max_operations: operationsMax } };
      },
    }),
    update: operation({
      summary: 'Sets when a new data key begins by itself.',
      params: {
        enabled: p.bool('Does one begin by itself at all?'),
        interval: p.duration('Age of a key at which the next begins; 0: any.'),
        max_operations: p.int('Encryptions of a key after which the next begins.'),
      },
      run: async ({ enabled, interval, max_operations }) => {
        await seal.changeRotation({
          ...(enabled !== undefined && { enabled }),
          ...(interval !== undefined && { intervalMs: interval * SECOND_MS }),
          ...(max_operations !== undefined && { operationsMax: max_operations }),
        });
        return {};
      },
    }),
  };
}
