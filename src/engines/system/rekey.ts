/**
 * Other shares of another unseal key, for who has enough of those in force (contract §2.3). Vault's paths answer bare and need no token; OpenBao's
 * `rotate/root/…` answer in an envelope and need one. A seal that unseals itself is not served, nor are its recovery keys.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { SystemCore } from './core.ts';
import { isTrusted } from './generate-root.ts';
import type { AttemptShown, SealAttempts } from './seal-core.ts';
import { keyIn, sealConfigFault, shownKeys } from './shares.ts';
import { nonceToEnd, type StructBody, structBody } from './struct-body.ts';

type Wrap = (status: { [key: string]: Encodable }) => LogicalReply;

export function rekeyRoutes({ attempts }: SystemCore): Record<string, Route> {
  const open = { open: 'token welcome', deleteBody: true } as const;
  const bare: Wrap = (status) => ({ bare: status });
  const enveloped: Wrap = (status) => ({ data: status });
  const backup = backupRoute(attempts);
  return {
    'rekey/init': { ...open, ...initRoute(attempts, bare) },
    'rekey/update': { ...open, ...updateRoute(attempts, bare) },
    'rekey/verify': { ...open, ...verifyRoute(attempts, bare) },
    'rekey/backup': backup,
    'rotate/root/init': { deleteBody: true, ...initRoute(attempts, enveloped) },
    'rotate/root/update': updateRoute(attempts, enveloped),
    'rotate/root/verify': { deleteBody: true, ...verifyRoute(attempts, enveloped) },
    'rotate/root/backup': backup,
    'rotate/recovery/init': noRecovery({ deleteBody: true }, ['read', 'update', 'delete']),
    'rotate/recovery/update': noRecovery({}, ['update']),
    'rotate/recovery/verify': noRecovery({ deleteBody: true }, ['read', 'update', 'delete']),
    'rotate/recovery/backup': noRecovery({}, ['read', 'delete']),
    'rekey/recovery-key-backup': noRecovery({}, ['read', 'delete']),
    'rekey-recovery-key/init': noRecovery(open, ['read', 'update', 'delete']),
    'rekey-recovery-key/update': noRecovery(open, ['update']),
    'rekey-recovery-key/verify': noRecovery(open, ['read', 'update', 'delete']),
  };
}

function initRoute(attempts: SealAttempts, wrap: Wrap): Route {
  return {
    read: operation({
      summary: 'Shows how far a rekey is.',
      params: {},
      run: async () => wrap(status(await attempts.show('rekey'))),
    }),
    update: operation({
      summary: 'Begins a rekey: new shares, once enough of those in force were given.',
      wholeBody: true,
      params: {
        secret_shares: p.int('How many shares the new unseal key is split into.'),
        secret_threshold: p.int('How many of them open the seal.'),
        pgp_keys: p.strings('Public PGP keys, in base64: each share is encrypted to its own.'),
        backup: p.bool('Keeps what is encrypted in the store, too.'),
        require_verification: p.bool('The new shares must be given once before they are in force.'),
      },
      run: async (_params, { request }) => {
        // What this request began, not what stands there by now: anybody may have put another in its place, and shares would go to that.
        return wrap(status(await start(attempts, structBody(request.body))));
      },
    }),
    delete: operation({
      summary: 'Ends a rekey; the shares in force stay.',
      wholeBody: true,
      params: { nonce: p.string('Of the operation; not needed with a token that has sudo on this path.') },
      run: async (_params, context) => {
        await attempts.cancel('rekey', { nonce: nonceToEnd(context.request), isTrusted: isTrusted(context) });
        return {};
      },
    }),
  };
}

async function start(attempts: SealAttempts, body: StructBody): Promise<AttemptShown> {
  const shares = body.whole('secret_shares');
  const threshold = body.whole('secret_threshold');
  const pgpKeys = body.texts('pgp_keys');
  const backup = body.flag('backup');
  const verify = body.flag('require_verification');
  if (backup && pgpKeys.length === 0) {
    throw badRequest('cannot request a backup of the new keys without providing PGP keys for encryption');
  }
  if (pgpKeys.length > 0 && pgpKeys.length !== shares)
    throw badRequest('incorrect number of PGP keys for rekey');
  const fault = sealConfigFault(shares, threshold);
  if (fault) throw badRequest(`invalid rekey seal configuration: ${fault}`);
  return attempts.startRekey({ shares, threshold, pgpKeys, backup, verify });
}

function status({ required, attempt, progress }: AttemptShown): { [key: string]: Encodable } {
  const rekey = attempt && 'shares' in attempt ? attempt : undefined;
  return {
    nonce: rekey?.nonce ?? '',
    started: rekey !== undefined,
    t: rekey?.threshold ?? 0,
    n: rekey?.shares ?? 0,
    progress,
    required,
    pgp_fingerprints: rekey && rekey.fingerprints.length > 0 ? [...rekey.fingerprints] : null,
    backup: rekey?.backup ?? false,
    verification_required: rekey?.verify ?? false,
    verification_nonce: rekey?.verification?.nonce,
  };
}

function updateRoute(attempts: SealAttempts, wrap: Wrap): Route {
  return {
    update: operation({
      summary:
        'Gives one of the shares in force towards a rekey; the last one is answered with the new ones.',
      wholeBody: true,
      params: { key: p.string('One share, hex or base64.'), nonce: p.string('Of the operation.') },
      run: async (_params, context) => {
        const body = structBody(context.request.body);
        const nonce = body.text('nonce');
        const share = keyIn(body);
        try {
          const done = await attempts.giveForRekey({ nonce, share, isTrusted: isTrusted(context) });
          if (!done) return wrap(status(await attempts.show('rekey')));
          const { fingerprints, verificationNonce, warning } = done;
          return wrap({
            nonce,
            complete: true,
            ...shownKeys(done.keys),
            pgp_fingerprints: fingerprints.length > 0 ? [...fingerprints] : null,
            backup: done.backup,
            verification_required: verificationNonce !== undefined,
            verification_nonce: verificationNonce,
            warnings: warning === undefined ? undefined : [warning],
          });
        } finally {
          share.fill(0);
        }
      },
    }),
  };
}

function verifyRoute(attempts: SealAttempts, wrap: Wrap): Route {
  return {
    read: operation({
      summary: 'Shows how many of the new shares were given.',
      params: {},
      run: async () => wrap(await verifyStatus(attempts)),
    }),
    update: operation({
      summary: 'Gives one of the new shares; with the last one they are in force.',
      wholeBody: true,
      params: { key: p.string('One share, hex or base64.'), nonce: p.string('Of the verification.') },
      run: async (_params, context) => {
        const body = structBody(context.request.body);
        const nonce = body.text('nonce');
        const share = keyIn(body);
        try {
          const complete = await attempts.verify({ nonce, share, isTrusted: isTrusted(context) });
          return wrap(complete ? { nonce, complete } : await verifyStatus(attempts));
        } finally {
          share.fill(0);
        }
      },
    }),
    delete: operation({
      summary: 'Begins the verification anew, under another nonce.',
      wholeBody: true,
      params: { nonce: p.string('Of the operation; not needed with a token that has sudo on this path.') },
      run: async (_params, context) => {
        const nonce = nonceToEnd(context.request);
        await attempts.restartVerification({ nonce, isTrusted: isTrusted(context) });
        return wrap(await verifyStatus(attempts));
      },
    }),
  };
}

async function verifyStatus(attempts: SealAttempts): Promise<{ [key: string]: Encodable }> {
  const { attempt, verified } = await attempts.show('rekey');
  if (!attempt || !('shares' in attempt)) throw badRequest('no rekey configuration found');
  return {
    nonce: attempt.verification?.nonce ?? '',
    started: attempt.verification !== undefined,
    t: attempt.threshold,
    n: attempt.shares,
    progress: verified,
  };
}

function backupRoute(attempts: SealAttempts): Route {
  return {
    read: operation({
      summary: 'Shows the encrypted shares that the last rekey kept.',
      params: {},
      run: async () => {
        const found = await attempts.backup();
        if (!found) throw badRequest('no backed-up keys found');
        const base64 = (keys: readonly string[]) =>
          keys.map((key) => Buffer.from(key, 'hex').toString('base64'));
        const entries = Object.entries(found.keys);
        const keys = Object.fromEntries(entries.map(([holder, own]) => [holder, [...own]]));
        const keys_base64 = Object.fromEntries(entries.map(([holder, own]) => [holder, base64(own)]));
        return { inject: true, data: { nonce: found.nonce, keys, keys_base64 } };
      },
    }),
    delete: operation({
      summary: 'Deletes the encrypted shares that the last rekey kept.',
      params: {},
      run: async () => {
        await attempts.deleteBackup();
        return {};
      },
    }),
  };
}

/** As Vault with shares answers what only a seal that unseals itself has. */
function noRecovery(
  common: Pick<Route, 'open' | 'deleteBody'>,
  verbs: readonly ('read' | 'update' | 'delete')[],
): Route {
  const refused = operation({
    summary: 'Only where the server unseals itself: refused.',
    wholeBody: true,
    params: {},
    run: () => {
      throw badRequest('recovery rekeying not supported');
    },
  });
  return { ...common, ...Object.fromEntries(verbs.map((verb) => [verb, refused])) };
}
