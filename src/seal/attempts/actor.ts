/**
 * The actor of all attempts with shares: one in the cluster, so there is one nonce whichever node is asked. Anybody may begin an attempt; until a
 * share proved right the next beginner takes its place, and without one it lapses, so nobody who has no share can keep those who have (CVE-2026-5807).
 *
 * @module
 */

import {
  type ActorContext,
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type AnyActorOperation,
  OWN_CLAIMS,
} from '../../model/actor.ts';
import { badRequest } from '../../model/errors.ts';
import {
  ATTEMPT_MS,
  HOUR_MS,
  REKEY_VERIFY_MS,
  SHARE_BYTES_MAX,
  SHARE_BYTES_MIN,
} from '../../model/limits.ts';
import type { Ending, Giving } from '../../model/seal.ts';
import type { Rekeying, SealDraft, SealInForce } from '../rekeying.ts';
import { makeGivenShares } from './given-shares.ts';
import {
  type Attempt,
  type AttemptName,
  type Attempts,
  type Backup,
  isEmpty,
  type RekeyAttempt,
  type RekeyWanted,
  type RootWanted,
  withAttempt,
} from './state.ts';
import { PROGRESS_TEXTS, VERIFY_TEXTS } from './texts.ts';

export const ATTEMPTS_ID: ActorId = {
  kind: 'seal-attempts',
  namespace: 'root',
  mount: 'sys',
  name: 'attempts',
};

export interface AttemptsParts {
  readonly rekeying: Rekeying;
  /** Puts a draft in force, and tells all nodes. @throws as `Rekeying.install`. */
  install(draft: SealDraft, before: string): Promise<void>;
}

export interface Shown {
  readonly required: number;
  readonly attempt: Attempt | undefined;
  readonly progress: number;
  /** Of the verification. */
  readonly verified: number;
}

export interface Given<A extends Attempt> {
  readonly progress: number;
  readonly required: number;
  readonly complete: boolean;
  readonly attempt: A;
}

type Op<P, R> = ActorOperation<Attempts, P, R>;

export interface AttemptsActor {
  readonly kind: ActorKind<Attempts>;
  readonly sends: readonly AnyActorOperation[];
  readonly show: Op<AttemptName, Shown>;
  /** Replies what was begun: another one may stand in its place a moment later. */
  readonly startRoot: Op<{ nonce: string; wanted: RootWanted }, Shown>;
  readonly startRekey: Op<{ nonce: string; wanted: RekeyWanted }, Shown>;
  /** The one that completes the threshold ends the attempt; a rekey with verification waits for that. */
  readonly give: Op<{ name: AttemptName; giving: Giving }, Given<Attempt>>;
  readonly cancel: Op<{ name: AttemptName; ending: Ending }, void>;
  /** New shares were made, and are to be given once. */
  readonly awaitVerification: Op<{ nonce: string; verification: { nonce: string; record: string } }, void>;
  /** True: that was the last one, and the new seal is in force. */
  readonly verify: Op<Giving, boolean>;
  readonly restartVerification: Op<{ fresh: string; ending: Ending }, void>;
  readonly keepBackup: Op<Backup, void>;
  readonly backup: Op<undefined, Backup | undefined>;
  readonly deleteBackup: Op<undefined, void>;
}

export function makeAttemptsActor({ rekeying, install }: AttemptsParts): AttemptsActor {
  const given = makeGivenShares();

  const kind: ActorKind<Attempts> = {
    kind: ATTEMPTS_ID.kind,
    activeMax: 1,
    idleMs: HOUR_MS,
    mailboxMax: 256,
    decode: (head) => (head === undefined ? {} : JSON.parse(Buffer.from(head).toString())),
    encode: (state) => (isEmpty(state) ? undefined : Buffer.from(JSON.stringify(state))),
    dueAt(state) {
      const due = [state['generate-root'], state.rekey].flatMap((one) => one?.lapsesAtMs ?? []);
      return due.length === 0 ? undefined : Math.min(...due);
    },
    async onDue(_state, id, cluster) {
      await cluster.send(lapse, id, undefined, { claims: OWN_CLAIMS });
    },
    wipe: given.clear,
    async announce(state) {
      const { 'generate-root': root, rekey } = state;
      const kept = [root?.nonce, rekey?.authorized ? rekey.verification?.nonce : rekey?.nonce];
      given.keepOnly(new Set(kept.filter((nonce) => nonce !== undefined)));
    },
  };

  /** When it lapses, as the last right share has put it off. */
  function lapsesAtMs(attempt: Attempt): number {
    const verification = 'verification' in attempt ? attempt.verification : undefined;
    const rightMs = given.rightMs(verification?.nonce ?? attempt.nonce);
    if (rightMs === undefined) return attempt.lapsesAtMs;
    return Math.max(attempt.lapsesAtMs, rightMs + (verification ? REKEY_VERIFY_MS : ATTEMPT_MS));
  }

  /** As it stands now; undefined: none, it lapsed, or another seal is in force. */
  function standing<N extends AttemptName>(
    state: Attempts,
    name: N,
    seal: SealInForce,
    nowMs: number,
  ): Attempts[N] | undefined {
    const attempt = state[name];
    return attempt && attempt.seal === seal.id && nowMs < lapsesAtMs(attempt) ? attempt : undefined;
  }

  function start<W extends object>(id: string, name: AttemptName): Op<{ nonce: string; wanted: W }, Shown> {
    return change(id, async (state, { nonce, wanted }, ctx) => {
      const seal = await rekeying.inForce();
      const found = standing(state, name, seal, ctx.now());
      const isHeld =
        found && (given.rightMs(found.nonce) !== undefined || ('authorized' in found && found.authorized));
      if (isHeld) throw badRequest(PROGRESS_TEXTS[name].already);
      const begun = { nonce, seal: seal.id, lapsesAtMs: ctx.now() + ATTEMPT_MS, ...wanted };
      const reply = {
        required: seal.threshold,
        attempt: withoutSecrets(begun as unknown as Attempt),
        progress: 0,
        verified: 0,
      };
      return { reply, next: { state: withAttempt(state, name, begun as never) } };
    });
  }

  const give = change<{ name: AttemptName; giving: Giving }, Given<Attempt>>(
    'seal-attempts/give',
    async (state, { name, giving }, ctx) => {
      const texts = PROGRESS_TEXTS[name];
      const seal = await rekeying.inForce();
      const attempt: Attempt | undefined = standing(state, name, seal, ctx.now());
      if (!attempt) throw badRequest(texts.none);
      if ('authorized' in attempt && attempt.authorized) {
        const nonce = attempt.verification?.nonce ?? '';
        throw badRequest(
          `rekey operation already finished; verification must be performed; nonce for the verification operation is "${nonce}"`,
        );
      }
      if (giving.nonce !== attempt.nonce) throw badRequest(texts.wrongNonce(attempt.nonce));
      const shares = await taken(
        giving,
        attempt.nonce,
        { threshold: seal.threshold, twice: texts.twice },
        ctx,
      );
      const counted = { progress: shares.length, required: seal.threshold, attempt };
      if (shares.length < seal.threshold) return { reply: { ...counted, complete: false } };
      if (!(await rekeying.proves(shares))) throw wrong(attempt.nonce, texts.aborted, ctx);
      const waits = 'verify' in attempt && attempt.verify;
      const next = waits
        ? withAttempt(state, 'rekey', { ...attempt, authorized: true, lapsesAtMs: ctx.now() + ATTEMPT_MS })
        : withAttempt(state, name, undefined);
      return { reply: { ...counted, complete: true }, next: { state: next } };
    },
  );

  /**
   * Takes a share into the count, if it may be right.
   * @returns all that were given. @throws CodedError where it is none.
   */
  async function taken(
    { share, isTrusted }: Giving,
    nonce: string,
    of: { readonly threshold: number; readonly record?: Uint8Array; readonly twice: string },
    ctx: ActorContext,
  ): Promise<readonly Uint8Array[]> {
    refuseLength(share);
    if (!isTrusted) given.refuseTooMany(ctx.now());
    if (given.has(nonce, share)) {
      // Enough are there, and what they were given for failed: it is tried again.
      if (given.of(nonce).length >= of.threshold) return given.of(nonce);
      throw badRequest(of.twice);
    }
    const isShare = await rekeying.isShare(share, of.record);
    if (isShare === false) {
      given.countWrong(ctx.now());
      throw badRequest('invalid key: it is no share of the key in question');
    }
    given.add(nonce, share, isShare ? ctx.now() : undefined);
    return given.of(nonce);
  }

  function wrong(nonce: string, text: string, ctx: ActorContext): Error {
    given.forget(nonce);
    given.countWrong(ctx.now());
    return badRequest(text);
  }

  const verify: AttemptsActor['verify'] = change('seal-attempts/verify', async (state, giving, ctx) => {
    const { attempt, verification } = await verifying(state, ctx);
    if (giving.nonce !== verification.nonce) throw badRequest(VERIFY_TEXTS.wrongNonce(verification.nonce));
    const record = Buffer.from(verification.record, 'base64');
    const { threshold } = attempt;
    const shares = await taken(
      giving,
      verification.nonce,
      { threshold, record, twice: VERIFY_TEXTS.twice },
      ctx,
    );
    if (shares.length < threshold) return { reply: false };
    const rootKey = rekeying.open(record, shares);
    if (!rootKey) throw wrong(verification.nonce, VERIFY_TEXTS.failed, ctx);
    try {
      await install({ record, rootKey }, attempt.seal);
    } finally {
      rootKey.fill(0);
    }
    return { reply: true, next: { state: withAttempt(state, 'rekey', undefined) } };
  });

  async function verifying(state: Attempts, ctx: ActorContext) {
    const attempt: RekeyAttempt | undefined = standing(state, 'rekey', await rekeying.inForce(), ctx.now());
    if (!attempt) throw badRequest(PROGRESS_TEXTS.rekey.none);
    if (!attempt.verification) throw badRequest(VERIFY_TEXTS.none);
    return { attempt, verification: attempt.verification };
  }

  function change<P, R>(id: string, run: Op<P, R>['run']): Op<P, R> {
    return { id, actor: kind, mode: 'change', run };
  }

  const lapse = change<undefined, void>('seal-attempts/lapse', (state, _params, ctx) => {
    let next = state;
    for (const name of ['generate-root', 'rekey'] as const) {
      const attempt = state[name];
      if (!attempt || ctx.now() < attempt.lapsesAtMs) continue;
      const endMs = lapsesAtMs(attempt);
      const kept = ctx.now() < endMs ? { ...attempt, lapsesAtMs: endMs } : undefined;
      next = withAttempt(next, name, kept as never);
    }
    return next === state ? { reply: undefined } : { reply: undefined, next: { state: next } };
  });

  const actor = {
    kind,
    show: {
      id: 'seal-attempts/show',
      actor: kind,
      mode: 'read',
      async run(state, name, ctx) {
        const seal = await rekeying.inForce();
        const attempt: Attempt | undefined = standing(state, name, seal, ctx.now());
        const verification = attempt && 'verification' in attempt ? attempt.verification : undefined;
        const reply = {
          required: seal.threshold,
          attempt: attempt && withoutSecrets(attempt),
          progress: attempt ? given.of(attempt.nonce).length : 0,
          verified: verification ? given.of(verification.nonce).length : 0,
        };
        return { reply };
      },
    },
    startRoot: start<RootWanted>('seal-attempts/start-root', 'generate-root'),
    startRekey: start<RekeyWanted>('seal-attempts/start-rekey', 'rekey'),
    give,
    cancel: change('seal-attempts/cancel', async (state, { name, ending }, ctx) => {
      const attempt: Attempt | undefined = standing(state, name, await rekeying.inForce(), ctx.now());
      if (!attempt) return { reply: undefined };
      refuseEnding(ending, attempt);
      return { reply: undefined, next: { state: withAttempt(state, name, undefined) } };
    }),
    awaitVerification: change('seal-attempts/await', (state, { nonce, verification }, ctx) => {
      const attempt = state.rekey;
      if (!attempt?.authorized || attempt.nonce !== nonce) throw badRequest(PROGRESS_TEXTS.rekey.none);
      const lapsesAtMs = ctx.now() + REKEY_VERIFY_MS;
      return {
        reply: undefined,
        next: { state: withAttempt(state, 'rekey', { ...attempt, verification, lapsesAtMs }) },
      };
    }),
    verify,
    restartVerification: change('seal-attempts/restart', async (state, { fresh, ending }, ctx) => {
      const { attempt, verification } = await verifying(state, ctx);
      refuseEnding(ending, attempt);
      const next = { ...attempt, verification: { ...verification, nonce: fresh } };
      return { reply: undefined, next: { state: withAttempt(state, 'rekey', next) } };
    }),
    keepBackup: change('seal-attempts/keep-backup', (state, backup) => ({
      reply: undefined,
      next: { state: { ...state, backup } },
    })),
    backup: {
      id: 'seal-attempts/backup',
      actor: kind,
      mode: 'read',
      run: (state) => ({ reply: state.backup }),
    },
    deleteBackup: change('seal-attempts/delete-backup', (state) => {
      const { backup, ...others } = state;
      return backup ? { reply: undefined, next: { state: others } } : { reply: undefined };
    }),
  } satisfies Omit<AttemptsActor, 'sends'>;
  const { kind: _, ...operations } = actor;
  return { ...actor, sends: [...Object.values(operations), lapse] };
}

function refuseLength(share: Uint8Array): void {
  if (share.length < SHARE_BYTES_MIN)
    throw badRequest(`key is shorter than minimum ${SHARE_BYTES_MIN} bytes`);
  if (share.length > SHARE_BYTES_MAX) throw badRequest(`key is longer than maximum ${SHARE_BYTES_MAX} bytes`);
}

/** Until somebody with a share, or with authority, says so, nobody ends what others began (CVE-2025-4656). */
function refuseEnding({ nonce, isTrusted }: Ending, attempt: Attempt): void {
  const nonces = [attempt.nonce, 'verification' in attempt ? attempt.verification?.nonce : undefined];
  if (isTrusted || (nonce !== '' && nonces.includes(nonce))) return;
  throw badRequest('this needs the nonce of the operation, or a token with sudo on this path');
}

/** What whoever asks may be told. */
function withoutSecrets(attempt: Attempt): Attempt {
  return 'otp' in attempt ? { ...attempt, otp: '' } : attempt;
}
