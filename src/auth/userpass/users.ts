/**
 * Users of a userpass mount: their actors, and what changes and shows them (contract §4.1).
 *
 * @module
 */
import type { ActorId, ActorKind, ActorOperation, SendOptions } from '../../model/actor.ts';
import { changing, existence, operation, type RouteContext, reading } from '../../model/engine.ts';
import { badRequest, CodedError, denied, multiError } from '../../model/errors.ts';
import {
  AUTH_RECORD_BYTES_MAX,
  MINUTE_MS,
  PASSWORD_BYTES_MAX,
  USERS_ACTIVE_MAX,
} from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import {
  NO_TOKEN_FIELDS,
  OLDER_PARAMS,
  shownTokenFields,
  TOKEN_PARAMS,
  type TokenFields,
  tokenFieldsFrom,
} from '../token/token-fields.ts';
import type { Passwords } from './password.ts';

export interface User {
  readonly fields: TokenFields;
  /** base64; undefined: nobody logs in as this user. */
  readonly hash?: string;
}

type State = User | undefined;

/** One user. Its name is the lower-case user name. */
export const userpassUser: ActorKind<State> = {
  kind: 'userpass-user',
  activeMax: USERS_ACTIVE_MAX,
  idleMs: 10 * MINUTE_MS,
  mailboxMax: 1_024,
  decode: (head) => (head === undefined ? undefined : JSON.parse(Buffer.from(head).toString())),
  encode: (state) => (state === undefined ? undefined : Buffer.from(JSON.stringify(state))),
};

export function userId({ namespace, uuid }: { namespace: string; uuid: string }, name: string): ActorId {
  return { kind: userpassUser.kind, namespace, mount: uuid, name };
}

/** For logins and renewals. */
export const userState: ActorOperation<State, undefined, State> = {
  id: 'userpass-user/state',
  actor: userpassUser,
  mode: 'read',
  run: (state) => ({ reply: state }),
};

const { policies, token_policies } = { ...OLDER_PARAMS, ...TOKEN_PARAMS };
const POLICY_PARAMS = { policies, token_policies };
const { num_uses: _numUses, period: _period, ...OLDER_OF_USERS } = OLDER_PARAMS;
const FIELD_PARAMS = { ...OLDER_OF_USERS, ...TOKEN_PARAMS };

interface Change {
  readonly sent: Partial<p.Decoded<typeof FIELD_PARAMS>>;
  readonly hash?: string;
  /** Only of a user that exists. */
  readonly mustExist: boolean;
}

const change: ActorOperation<State, Change, void> = {
  id: 'userpass-user/change',
  actor: userpassUser,
  mode: 'change',
  run(state, { sent, hash, mustExist }, { claims }) {
    if (mustExist && state === undefined)
      throw new CodedError('internal', multiError(['username does not exist']));
    if (!mustExist && !(state === undefined ? claims.mayCreate : claims.mayUpdate)) throw denied();
    const before = state ?? { fields: NO_TOKEN_FIELDS };
    const next: User = { ...before, fields: tokenFieldsFrom(before.fields, sent) };
    const user = hash === undefined ? next : { ...next, hash };
    if (Buffer.byteLength(JSON.stringify(user)) > AUTH_RECORD_BYTES_MAX)
      throw badRequest(`a user must not exceed ${AUTH_RECORD_BYTES_MAX} bytes`);
    return { reply: undefined, next: { state: user } };
  },
};

export const USER_SENDS = [userState, change];

/** With the authority that the request was given. */
function asRequested({ claims, caller, mount, request }: RouteContext): SendOptions {
  return { claims, caller, mount, request };
}

export function userOperations(passwords: Passwords) {
  async function send(
    ctx: RouteContext,
    what: Omit<Change, 'hash'>,
    password?: string,
  ): Promise<LogicalReply> {
    const name = ctx.captures.username!;
    let hash: string | undefined;
    if (password !== undefined) {
      if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX)
        throw badRequest(`password length exceeds ${PASSWORD_BYTES_MAX} bytes`);
      hash = (await passwords.hash(ctx.mount.uuid, name, password)).toString('base64');
    }
    await ctx.cluster.send(change, userId(ctx.mount, name), { ...what, hash }, asRequested(ctx));
    return {};
  }

  const write = operation({
    summary: 'Makes or changes a user.',
    existence: existence({ id: 'userpass-user', actor: userpassUser }),
    params: { password: p.string('The password.'), ...FIELD_PARAMS },
    // An empty password is none: nobody logs in with it.
    run: ({ password, ...sent }, ctx) => send(ctx, { sent, mustExist: false }, password || undefined),
  });

  const setPassword = operation({
    summary: 'Sets the password of a user.',
    params: { password: p.string('The password.', { absent: '' }) },
    run({ password }, ctx) {
      if (password === '') throw badRequest('missing password');
      return send(ctx, { sent: {}, mustExist: true }, password);
    },
  });

  const setPolicies = operation({
    summary: 'Sets the policies of a user.',
    params: POLICY_PARAMS,
    run: (sent, ctx) => send(ctx, { sent, mustExist: true }),
  });

  return { write, setPassword, setPolicies };
}

export const readUser = reading({
  id: 'userpass-user/read',
  actor: userpassUser,
  summary: 'Shows a user, without the password.',
  params: {},
  run: (state) => (state === undefined ? {} : { data: shownTokenFields(state.fields) }),
});

export const deleteUser = changing({
  id: 'userpass-user/delete',
  actor: userpassUser,
  summary: 'Deletes a user. Tokens stay, and are not renewed.',
  params: {},
  run: (state) => (state === undefined ? { reply: {} } : { reply: {}, next: { state: undefined } }),
});

export const listUsers = operation({
  summary: 'Lists the users.',
  params: {},
  run: async (_params, { cluster, mount }) => ({
    data: { keys: await cluster.list(userpassUser.kind, mount.namespace, mount.uuid, '') },
  }),
});
