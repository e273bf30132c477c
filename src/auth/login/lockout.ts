/**
 * User lockout: who guesses too often is not let guess on. Failures of one name at one mount are counted by one actor, so that all nodes count
 * together, and exactly: a login is settled in its mailbox after its password was checked, and of guesses made at once none is settled as right
 * once the count is full.
 *
 * A name is counted whether or not anybody has it: else the lock would tell who exists. A count goes by itself when its time is over.
 *
 * @module
 */
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type Cluster,
  OWN_CLAIMS,
} from '../../model/actor.ts';
import { CodedError } from '../../model/errors.ts';
import {
  FAILED_LOGINS_ACTIVE_MAX,
  LOCKOUT_COUNT_S,
  LOCKOUT_FAILURES,
  LOCKOUT_S,
  MINUTE_MS,
} from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import type { Request } from '../../model/request.ts';

interface Failures {
  readonly count: number;
  readonly locked: boolean;
  /** Wall clock, ms: then it was never there. */
  readonly lapsesAtMs: number;
}

type State = Failures | undefined;

/** Seconds, and how often. */
interface Rules {
  readonly threshold: number;
  readonly countFor: number;
  readonly lockFor: number;
}

const OWN = { claims: OWN_CLAIMS };

export const LOCKED_INDEX = 'locked-user';

/** One name at one mount. */
export const failedLogins: ActorKind<State> = {
  kind: 'failed-logins',
  activeMax: FAILED_LOGINS_ACTIVE_MAX,
  idleMs: 10 * MINUTE_MS,
  mailboxMax: 1_024,
  // A login looks twice, and who logs in does so again; who guesses names pushes out no more than FAILED_LOGINS_ACTIVE_MAX of them.
  keepsAbsent: true,
  decode: (head) => (head === undefined ? undefined : JSON.parse(Buffer.from(head).toString())),
  encode: (state) => (state === undefined ? undefined : Buffer.from(JSON.stringify(state))),
  dueAt: (state) => state?.lapsesAtMs,
  indexes: (state, id) => (state?.locked ? [{ index: LOCKED_INDEX, group: id.mount, entry: id.name }] : []),
  async onDue(_state, id, cluster) {
    await cluster.send(lapse, id, undefined, OWN);
  },
};

const isCurrent = (state: State, nowMs: number): state is Failures =>
  state !== undefined && nowMs < state.lapsesAtMs;
const isLocked = (state: State, nowMs: number) => isCurrent(state, nowMs) && state.locked;

const locked: ActorOperation<State, undefined, boolean> = {
  id: 'failed-logins/locked',
  actor: failedLogins,
  mode: 'read',
  run: (state, _params, ctx) => ({ reply: isLocked(state, ctx.now()) }),
};

/** Replies whether the login stands: false where the name was locked before. */
const settle: ActorOperation<State, { right: boolean; rules: Rules }, boolean> = {
  id: 'failed-logins/settle',
  actor: failedLogins,
  mode: 'change',
  isUse: true,
  mostlyKeeps: true,
  run(state, { right, rules }, ctx) {
    const nowMs = ctx.now();
    if (isLocked(state, nowMs)) return { reply: false };
    if (right) return state === undefined ? { reply: true } : { reply: true, next: { state: undefined } };
    const count = isCurrent(state, nowMs) ? state.count + 1 : 1;
    const isFull = count >= rules.threshold;
    const lapsesAtMs = nowMs + (isFull ? rules.lockFor : rules.countFor) * 1_000;
    return { reply: true, next: { state: { count, locked: isFull, lapsesAtMs } } };
  },
};

const lapse: ActorOperation<State, undefined, void> = {
  id: 'failed-logins/lapse',
  actor: failedLogins,
  mode: 'change',
  run: (state, _params, ctx) =>
    state === undefined || isCurrent(state, ctx.now())
      ? { reply: undefined }
      : { reply: undefined, next: { state: undefined } },
};

/** Forgets what was counted. */
export const unlockUser: ActorOperation<State, undefined, void> = {
  id: 'failed-logins/unlock',
  actor: failedLogins,
  mode: 'change',
  run: (state) =>
    state === undefined ? { reply: undefined } : { reply: undefined, next: { state: undefined } },
};

export const LOCKOUT_SENDS = [locked, settle, lapse, unlockUser];

export function failedLoginsId(mount: Mount, name: string): ActorId {
  return { kind: failedLogins.kind, namespace: mount.namespace, mount: mount.uuid, name };
}

const RULES: Rules = { threshold: LOCKOUT_FAILURES, countFor: LOCKOUT_COUNT_S, lockFor: LOCKOUT_S };

/** What the mount is tuned to; undefined: nobody is locked out. */
function rulesOf({ config }: Mount): Rules | undefined {
  const tuned = config.user_lockout_config;
  if (!tuned) return RULES;
  if (tuned.user_lockout_disable === true) return undefined;
  const set = (name: string, absent: number) => {
    const value = tuned[name];
    return typeof value === 'number' && value > 0 ? value : absent;
  };
  return {
    threshold: set('user_lockout_threshold', RULES.threshold),
    countFor: set('user_lockout_counter_reset_duration', RULES.countFor),
    lockFor: set('user_lockout_duration', RULES.lockFor),
  };
}

export interface LoginContext {
  readonly cluster: Cluster;
  readonly mount: Mount;
  readonly request: Request;
}

/**
 * Runs `check` unless the name is locked, and counts what it finds. It goes by the program's own authority, and once begun to its end: who hangs
 * up has guessed all the same. A request that was let in has proven it once and for all: it was settled, and may have cost a use.
 * @param name - canonical: two spellings of one name would have two counts.
 * @param check - does what was sent prove the name?
 * @returns what `check` said. @throws CodedError 403 where the name is locked.
 */
export async function underLockout<T>(
  { cluster, mount, request }: LoginContext,
  name: string,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const before = request.proven;
  if (before?.mount === mount.uuid && before.name === name) return before.found as T;
  const rules = rulesOf(mount);
  const id = failedLoginsId(mount, name);
  if (rules && (await cluster.send(locked, id, undefined, OWN))) throw new CodedError('permission_denied');
  const found = await check();
  const right = found !== undefined;
  if (rules && !(await cluster.send(settle, id, { right, rules }, OWN)))
    throw new CodedError('permission_denied');
  if (right) request.proven = { mount: mount.uuid, name, found };
  return found;
}
