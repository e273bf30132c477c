/**
 * A client that changes a policy again and again: what other requests rest on is another one all the time, so that some are authorized anew in the
 * middle of what they do, and must not do it twice.
 *
 * @module
 */
import { ROOT_TOKEN } from '../sim/server.ts';
import type { SimNode, World } from '../sim/world.ts';

const PAUSE_MS = 200;

export function startChanges(world: World, nodeFor: () => SimNode, isOver: () => boolean): void {
  const client = world.client('changes');
  const random = world.random.fork('changes');
  world.drive(client.process, async () => {
    for (let n = 0; !isOver(); n++) {
      const body = { policy: `path "secret/${n}" { capabilities = ["read"] }` };
      const path = 'sys/policies/acl/changing';
      await client.ask(nodeFor(), { verb: 'update', path, token: ROOT_TOKEN, body });
      await client.sleep(random.between(0, PAUSE_MS));
    }
  });
}
