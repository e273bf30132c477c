/**
 * Engines and auth methods of a simulated node, and the kinds of actors that they have.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { makeAppRole } from '../../src/auth/approle/approle.ts';
import { appRoleKinds } from '../../src/auth/approle/kinds.ts';
import { failedLogins } from '../../src/auth/login/lockout.ts';
import { makeTokenAuth } from '../../src/auth/token/routes.ts';
import type { TokenActor } from '../../src/auth/token/token-actor.ts';
import type { Tokens } from '../../src/auth/token/tokens.ts';
import type { WrappedReplies } from '../../src/auth/token/wrapped-replies.ts';
import { makeUserpass } from '../../src/auth/userpass/userpass.ts';
import { userpassUser } from '../../src/auth/userpass/users.ts';
import { kv2, kvKinds } from '../../src/engines/kv/kv.ts';
import type { SystemCore } from '../../src/engines/system/core.ts';
import { wrappingRoutes } from '../../src/engines/system/wrapping.ts';
import type { ActorKind } from '../../src/model/actor.ts';
import { type Engine, engine, type Route } from '../../src/model/engine.ts';
import type { Mount } from '../../src/model/mount.ts';
import { alarmKind, alarms } from './alarms.ts';
import type { Spaces } from './spaces.ts';

const DAY_SECONDS = 86_400;
export const TTLS = { defaultTtl: 30 * DAY_SECONDS, maxTtl: 30 * DAY_SECONDS };

/** What a password is stored as matters to nobody here. */
const PASSWORDS = {
  hash: async (mount: string, name: string, password: string) =>
    createHmac('sha256', 'simulated').update(`${mount}/${name}/${password}`).digest(),
};

export const NO_JWT = {
  tokenIn: (token: string) => token,
  write: () => assert.fail('no JWTs here'),
};

export const accessorKey = () => createHmac('sha256', 'simulated').digest();

export function kindsWith(tokens: TokenActor): ActorKind<never>[] {
  const kinds = [...kvKinds, tokens.kind, failedLogins, userpassUser, ...appRoleKinds, alarmKind];
  return kinds as unknown as ActorKind<never>[];
}

export interface EngineParts {
  readonly tokens: Tokens;
  readonly wrapped: WrappedReplies;
  readonly spaces: Spaces | undefined;
  /** Routes of `sys/`, besides wrapping. */
  readonly system: Record<string, Route>;
}

/** By the type of a mount; undefined: there is none of that type here. */
export function makeEngines({
  tokens,
  wrapped,
  spaces,
  system,
}: EngineParts): (mount: Mount) => Engine | undefined {
  const ttlsOf = () => TTLS;
  const core = { wrapping: wrappingControl(wrapped) } as unknown as SystemCore;
  const engines = new Map<string, Engine>([
    ['kv', kv2],
    ['alarm', alarms],
    [
      'token',
      makeTokenAuth({
        tokens,
        ttlsOf,
        policyExists: () => true,
        ...(spaces && { namespacePath: (id) => spaces.namespaces.byId(id)?.path }),
      }),
    ],
    ['userpass', makeUserpass({ tokens, ttlsOf, passwords: PASSWORDS })],
    ['approle', makeAppRole({ tokens, ttlsOf, accessorKey })],
    ['system', engine('system', 'What the runs ask of it.', { ...system, ...wrappingRoutes(core) })],
  ]);
  return ({ type }) => engines.get(type);
}

function wrappingControl(replies: WrappedReplies): SystemCore['wrapping'] {
  return {
    look: (token, namespaceId) => replies.look(token, namespaceId),
    take: (token, asker) => (token === '' ? replies.own(asker.caller) : replies.take(token, asker)),
    rewrap: (token, asker) => replies.rewrap(token, asker.request.wrapTtlSeconds, asker),
  };
}
