/**
 * How an auth method locks users out, as it is sent and shown (contract §2.4): sent as `lockout_*`, shown as `user_lockout_*`.
 *
 * @module
 */
import { badRequest } from '../../model/errors.ts';
import type { Encodable, JsonMap } from '../../model/json.ts';
import { LOCKOUT_COUNT_S, LOCKOUT_FAILURES, LOCKOUT_S } from '../../model/limits.ts';
import type { MountConfig } from '../../model/mount.ts';
import * as p from '../../model/params.ts';

/** Methods whose logins are guesses. */
const LOCKING_TYPES = ['userpass', 'approle', 'ldap'];

const LOCKOUT_PARAMS = {
  lockout_threshold: p.int('So many failures lock a user out.'),
  lockout_duration: p.duration('For so long.'),
  lockout_counter_reset_duration: p.duration('A failure counts for so long.'),
  lockout_disable: p.bool('Nobody is locked out.'),
};

const DEFAULTS = {
  user_lockout_threshold: LOCKOUT_FAILURES,
  user_lockout_duration: LOCKOUT_S,
  user_lockout_counter_reset_duration: LOCKOUT_COUNT_S,
  user_lockout_disable: false,
};

export function locksUsersOut(type: string): boolean {
  return LOCKING_TYPES.includes(type);
}

/** Puts what was sent into `config`. @throws CodedError for a method without passwords, or for what cannot be. */
export function setLockout(config: MountConfig, sent: JsonMap | undefined, type: string): void {
  if (sent === undefined || sent.size === 0) return;
  if (!locksUsersOut(type))
    throw badRequest(`tuning of user lockout configuration for auth type "${type}" not allowed`);
  const said = p.decodeParams(LOCKOUT_PARAMS, sent);
  if ((said.lockout_threshold ?? 0) < 0) throw badRequest('unable to parse user lockout threshold');
  const next: Record<string, unknown> = { ...DEFAULTS, ...config.user_lockout_config };
  for (const [name, value] of Object.entries(said)) if (value !== undefined) next[`user_${name}`] = value;
  config.user_lockout_config = next;
}

/** As the wire shows it; undefined where nothing was tuned. */
export function lockoutInfo({ user_lockout_config }: MountConfig): { [key: string]: Encodable } | undefined {
  return user_lockout_config as { [key: string]: Encodable } | undefined;
}
