/**
 * The userpass auth method: user names and passwords (contract §4.1).
 *
 * @module
 */
import { type Cluster, OWN_CLAIMS } from '../../model/actor.ts';
import type { TokenState } from '../../model/caller.ts';
import { type Engine, engine, operation, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import type { Mount } from '../../model/mount.ts';
import * as p from '../../model/params.ts';
import { issue, type LoginParts, renewalTerms } from '../login/issue.ts';
import { LOCKOUT_SENDS, underLockout } from '../login/lockout.ts';
import type { TtlTerms } from '../token/ttl.ts';
import { isSameHash, type Passwords } from './password.ts';
import {
  deleteUser,
  listUsers,
  readUser,
  USER_SENDS,
  type User,
  userId,
  userOperations,
  userState,
} from './users.ts';

const NAMED = { lowerCase: ['username'] };

export function makeUserpass(parts: LoginParts & { readonly passwords: Passwords }): Engine {
  const { passwords } = parts;
  const { write, setPassword, setPolicies } = userOperations(passwords);

  /** The user, if the password is this one's. The look-up runs while the hash does. */
  async function proven(name: string, password: string, ctx: RouteContext): Promise<User | undefined> {
    const id = userId(ctx.mount, name);
    const [hash, user] = await Promise.all([
      passwords.hash(ctx.mount.uuid, name, password),
      ctx.cluster.send(userState, id, undefined, { claims: OWN_CLAIMS }),
    ]);
    return isSameHash(hash, user?.hash) ? user : undefined;
  }

  const login = operation({
    summary: 'Gives a token to who knows the password.',
    params: { password: p.string('The password.', { absent: '' }) },
    async run({ password }, ctx) {
      const name = ctx.captures.username!;
      if (password === '') throw new CodedError('internal', 'missing password');
      const user = await underLockout(ctx, name, () => proven(name, password, ctx));
      if (!user) throw badRequest('invalid username or password');
      const meta = { username: name };
      return issue({ fields: user.fields, name, displayName: name, meta, path: `login/${name}` }, parts, ctx);
    },
  });

  return engine(
    'userpass',
    'User names and passwords.',
    {
      users: { list: listUsers },
      'users/:username': { ...NAMED, read: readUser, update: write, delete: deleteUser },
      'users/:username/password': { ...NAMED, update: setPassword },
      'users/:username/policies': { ...NAMED, update: setPolicies },
      'login/:username': { ...NAMED, open: true, update: login },
    },
    [...USER_SENDS, ...LOCKOUT_SENDS],
  );
}

/** By what a token of this mount is renewed. @throws CodedError where its user is gone. */
export async function userpassTerms(
  mount: Mount,
  state: TokenState,
  { cluster, ...parts }: Pick<LoginParts, 'ttlsOf'> & { readonly cluster: Cluster },
): Promise<TtlTerms> {
  const user = await cluster.send(userState, userId(mount, state.issuer!.name), undefined, {
    claims: OWN_CLAIMS,
  });
  if (!user) throw badRequest('the user is gone, not renewing');
  return renewalTerms(user.fields, state, mount, parts);
}
