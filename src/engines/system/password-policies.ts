/**
 * Password policies by name, and passwords made by them (contract §2.5).
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest, CodedError, multiError } from '../../model/errors.ts';
import { POLICY_NAME_BYTES_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import {
  generatePassword,
  type PasswordPolicy,
  PasswordPolicyError,
  parsePasswordPolicy,
} from '../../model/password-policy.ts';
import { PASSWORD_POLICY } from '../../model/settings.ts';
import type { SettingsControl, SystemCore } from './core.ts';
import { policyText } from './policy-text.ts';

/** Vault's bounds, in characters. */
const LENGTH_MIN = 4;
const LENGTH_MAX = 100;

export function passwordPolicyRoutes({ settings }: SystemCore): Record<string, Route> {
  return {
    'policies/password': {
      list: operation({
        summary: 'Lists the password policies.',
        params: {},
        run: async (_params, ctx) => ({ data: { keys: await settings.names(placeOf(ctx, '')) } }),
      }),
    },
    'policies/password/:name/generate': {
      read: operation({
        summary: 'Makes a password by a policy.',
        params: {},
        run: async (_params, ctx) => {
          const policy = parsePasswordPolicy(await textOf(settings, ctx));
          return { data: { password: generatePassword(policy, ctx.randomBytes) } };
        },
      }),
    },
    'policies/password/:name': {
      read: operation({
        summary: 'Shows a password policy.',
        params: {},
        run: async (_params, ctx) => ({ data: { policy: await textOf(settings, ctx) } }),
      }),
      update: operation({
        summary: 'Writes a password policy.',
        params: {
          policy: p.string('The policy in HCL or JSON, as text or in base64.', { absent: '' }),
        },
        run: async ({ policy }, ctx) => {
          const name = ctx.captures.name!;
          if (policy === '') throw badRequest(multiError(['missing policy']));
          if (Buffer.byteLength(name) > POLICY_NAME_BYTES_MAX)
            throw badRequest(`a policy's name must not be longer than ${POLICY_NAME_BYTES_MAX} bytes`);
          const text = policyText(policy);
          const { length } = parsed(text);
          if (length < LENGTH_MIN || length > LENGTH_MAX)
            throw badRequest(
              multiError([`passwords must be between ${LENGTH_MIN} and ${LENGTH_MAX} characters`]),
            );
          await settings.put(placeOf(ctx, name), text, ctx.claims);
          return {};
        },
      }),
      delete: operation({
        summary: 'Removes a password policy.',
        params: {},
        run: async (_params, ctx) => {
          await settings.remove(placeOf(ctx, ctx.captures.name!), ctx.claims);
          return {};
        },
      }),
    },
  };
}

/** A namespace's policies are its own. */
const placeOf = ({ mount }: RouteContext, name: string): string =>
  `${PASSWORD_POLICY}${mount.namespace}/${name}`;

async function textOf(settings: SettingsControl, ctx: RouteContext): Promise<string> {
  const text = await settings.current(placeOf(ctx, ctx.captures.name!));
  if (typeof text !== 'string') throw new CodedError('not_found', multiError(['policy does not exist']));
  return text;
}

function parsed(text: string): PasswordPolicy {
  try {
    return parsePasswordPolicy(text);
  } catch (error) {
    if (error instanceof PasswordPolicyError)
      throw badRequest(multiError([`invalid password policy: ${error.message}`]));
    throw error;
  }
}
