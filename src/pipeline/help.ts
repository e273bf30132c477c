/**
 * Help on a path, which every token may have.
 *
 * @module
 */
import { type Engine, isServed } from '../model/engine.ts';
import { CodedError } from '../model/errors.ts';
import { helpOfEngine, helpOfRoute } from '../model/help.ts';
import { apiPath, type Mount } from '../model/mount.ts';
import type { Reply } from '../model/request.ts';
import type { Match } from './router.ts';

/** @param path - canonical, after `/v1/`. @throws CodedError where there is nothing to help with. */
export function helpReply(path: string, mount: Mount, match: Match | undefined, engine: Engine): Reply {
  const relative = path.slice(apiPath(mount).length);
  if (relative === '') return { kind: 'bare', status: 200, value: helpOfEngine(engine) };
  if (!match || !isServed(match.route)) throw new CodedError('unsupported_path');
  return { kind: 'bare', status: 200, value: helpOfRoute(engine, match.pattern, relative) };
}
