/**
 * As which role of its auth method, or as which user, a request asks to be let in: before anything of it is proven, for quotas.
 *
 * @module
 */
import type { Cluster } from '../../model/actor.ts';
import type { JsonMap } from '../../model/json.ts';
import type { Mount } from '../../model/mount.ts';
import type { Verb } from '../../model/request.ts';
import { appRoleOfLogin } from '../approle/approle.ts';

export interface LoginAsked {
  readonly verb: Verb;
  readonly mount: Mount | undefined;
  /** The route's, and what its names stand for. */
  readonly pattern: string | undefined;
  readonly captures: Readonly<Record<string, string>>;
  readonly body: JsonMap | undefined;
}

/** Undefined: it is no login, or as nobody. */
export async function roleOfLogin(asked: LoginAsked, cluster: Cluster): Promise<string | undefined> {
  const { verb, mount, pattern, captures, body } = asked;
  if (verb !== 'update' || mount?.class !== 'auth') return undefined;
  if (mount.type === 'userpass' && pattern === 'login/:username') return captures.username;
  if (mount.type === 'approle' && pattern === 'login' && body) return appRoleOfLogin(mount, body, cluster);
  return undefined;
}
