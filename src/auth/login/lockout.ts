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
    await cluster.send(lapse, id, undefined, { claims: OWN_CLAIMS });
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

/** What the mount is tuned to; undefined: nobody is locked out. */
function rulesOf({ config }: Mount): Rules | undefined {
  const tuned = config.user_lockout_config;
  if (tuned?.user_lockout_disable === true) return undefined;
  const set = (name: string, absent: number) => {
    const value = tuned?.[name];
    return typeof value === 'number' && value > 0 ? value : absent;
  };
  return {
    threshold: set('user_lockout_threshold', LOCKOUT_FAILURES),
    countFor: set('user_lockout_counter_reset_duration', LOCKOUT_COUNT_S),
    lockFor: set('user_lockout_duration', LOCKOUT_S),
  };
}

export interface LoginContext {
  readonly cluster: Cluster;
  readonly mount: Mount;
  readonly request: Request;
}

/** What requests that were let in have proven. Once is enough, however often authority has to be established anew: it was settled, and may have cost a use. */
const letIn = new WeakMap<
  Request,
  { readonly mount: string; readonly name: string; readonly found: unknown }
>();

/**
 * Runs `check` unless the name is locked, and counts what it finds. It goes by the program's own authority, and once begun to its end: who hangs
 * up has guessed all the same.
 * @param name - canonical: two spellings of one name would have two counts.
 * @param check - does what was sent prove the name?
 * @returns what `check` said. @throws CodedError 403 where the name is locked.
 */
export async function underLockout<T>(
  { cluster, mount, request }: LoginContext,
  name: string,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const before = letIn.get(request);
  if (before?.mount === mount.uuid && before.name === name) return before.found as T;
  const found = await checked({ cluster, mount }, name, check);
  if (found !== undefined) letIn.set(request, { mount: mount.uuid, name, found });
  return found;
}

async function checked<T>(
  { cluster, mount }: Omit<LoginContext, 'request'>,
  name: string,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const rules = rulesOf(mount);
  if (!rules) return check();
  const id = failedLoginsId(mount, name);
  const options = { claims: OWN_CLAIMS };
  if (await cluster.send(locked, id, undefined, options)) throw new CodedError('permission_denied');
  const found = await check();
  const right = found !== undefined;
  if (!(await cluster.send(settle, id, { right, rules }, options))) throw new CodedError('permission_denied');
  return found;
}
