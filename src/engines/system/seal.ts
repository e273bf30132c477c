/**
 * Init, seal and unseal (contract §2.1). All answer while sealed, without an envelope.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest, CodedError } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { SHARE_BYTES_MAX, SHARE_BYTES_MIN } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import { BUILD_DATE, COFFER_VERSION, VAULT_VERSION } from '../../model/version.ts';
import type { SystemCore } from './core.ts';
import { init } from './init.ts';
import type { SealControl } from './seal-core.ts';
import { shareIn } from './shares.ts';
import { type StructBody, structBody } from './struct-body.ts';

const BARE = { open: true, whileSealed: true } as const;

export function sealRoutes(core: SystemCore): Record<string, Route> {
  const { seal } = core;
  return {
    init: {
      ...BARE,
      read: operation({
        summary: 'Is the server initialised?',
        params: {},
        run: async () => ({ bare: { initialized: (await seal.status()).initialized } }),
      }),
      update: operation({
        summary: 'Initialises the server: makes its keys, and the first root token.',
        wholeBody: true,
        params: {
          secret_shares: p.int('How many shares the unseal key is split into.'),
          secret_threshold: p.int('How many of them open the seal.'),
          stored_shares: p.int('Ignored.'),
          pgp_keys: p.strings('Public PGP keys, in base64: each share is encrypted to its own.'),
          root_token_pgp_key: p.string('Public PGP key, in base64: the root token is encrypted to it.'),
          recovery_shares: p.int('Only where the server unseals itself.'),
          recovery_threshold: p.int('Only where the server unseals itself.'),
          recovery_pgp_keys: p.strings('Only where the server unseals itself.'),
        },
        run: async (_params, { request }) => ({ bare: await init(seal, structBody(request.body)) }),
      }),
    },
    'seal-status': {
      ...BARE,
      inNamespaces: true,
      read: operation({
        summary: 'How far is the seal open?',
        params: {},
        run: async () => ({ bare: await sealStatus(core) }),
      }),
    },
    unseal: {
      ...BARE,
      update: operation({
        summary: 'Gives one share of the unseal key.',
        wholeBody: true,
        params: {
          key: p.string('One share, hex or base64.'),
          reset: p.bool('Forgets the shares given so far.'),
          migrate: p.bool('Ignored: there is no other seal to move to.'),
        },
        run: async (_params, { request }) => {
          await unseal(seal, structBody(request.body));
          return { bare: await sealStatus(core) };
        },
      }),
    },
    seal: {
      sudo: true,
      // Sealing what is sealed changes nothing, and succeeds as in Vault.
      whileSealed: true,
      update: operation({
        summary: 'Seals the server, and all other nodes of its cluster.',
        params: {
          node: p.bool('Seals this node alone; it stays sealed until it is given shares or restarted.', {
            absent: false,
          }),
        },
        run: async ({ node }) => {
          await seal.seal(node);
          return {};
        },
      }),
    },
    'step-down': {
      sudo: true,
      // As in Vault: nothing to give up, so it succeeds.
      whileSealed: true,
      update: operation({
        summary: 'Gives up leadership; without effect, since every node serves.',
        params: {},
        run: () => ({}),
      }),
    },
  };
}

/** Order of the members is Vault's. */
async function sealStatus({ seal, node }: SystemCore): Promise<Encodable> {
  const { type, initialized, sealed, threshold, shares, progress, nonce } = await seal.status();
  const cluster = sealed ? undefined : node.cluster();
  return {
    type,
    initialized,
    sealed,
    t: threshold,
    n: shares,
    progress,
    nonce,
    version: VAULT_VERSION,
    coffer_version: COFFER_VERSION,
    build_date: BUILD_DATE,
    commit_date: BUILD_DATE,
    migration: false,
    cluster_name: cluster?.name,
    cluster_id: cluster?.id,
    recovery_seal: false,
    storage_type: node.storageType,
  };
}

async function unseal(seal: SealControl, body: StructBody): Promise<void> {
  const key = body.text('key');
  const reset = body.flag('reset');
  body.flag('migrate');
  if (key === '' && !reset) {
    throw badRequest("'key' must be specified in request body as JSON, or 'reset' set to true");
  }
  const { initialized, sealed } = await seal.status();
  if (reset) {
    if (initialized && !sealed) throw badRequest('vault is unsealed');
    return seal.reset();
  }
  const share = shareIn(key);
  try {
    if (!initialized) throw new CodedError('not_initialized');
    // One share too many is no mistake: scripts give all they have.
    if (!sealed) return;
    if (share.length < SHARE_BYTES_MIN)
      throw badRequest(`invalid key: key is shorter than minimum ${SHARE_BYTES_MIN} bytes`);
    if (share.length > SHARE_BYTES_MAX)
      throw badRequest(`invalid key: key is longer than maximum ${SHARE_BYTES_MAX} bytes`);
    await seal.unseal(share);
  } finally {
    share.fill(0);
  }
}
