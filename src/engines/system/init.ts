/**
 * `sys/init`: the first keys, and the first root token, in the clear or encrypted to their holders (contract §2.1).
 *
 * @module
 */
import { encryptShares, readPgpKey, readPgpKeys } from '../../crypto/pgp.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import type { SealControl } from './seal-core.ts';
import { sealConfigFault, shownKeys } from './shares.ts';
import type { StructBody } from './struct-body.ts';

/** @returns the body of the reply. @throws CodedError `bad_request` in Vault's words, where nothing was made. */
export async function init(seal: SealControl, body: StructBody): Promise<Encodable> {
  const foreign = ['recovery_shares', 'recovery_threshold', 'recovery_pgp_keys'].filter(body.isSet);
  if (foreign.length > 0) {
    throw badRequest(`parameters ${foreign.join(',')} not applicable to seal type shamir`);
  }
  const shares = body.whole('secret_shares');
  const threshold = body.whole('secret_threshold');
  const pgpKeys = body.texts('pgp_keys');
  const tokenKey = body.text('root_token_pgp_key');
  const fault = sealConfigFault(shares, threshold);
  if (fault) throw badRequest(`invalid seal configuration: ${fault}`);
  if (pgpKeys.length > 0 && pgpKeys.length !== shares) {
    throw badRequest(
      'invalid seal configuration: count mismatch between number of provided PGP keys and number of shares',
    );
  }
  // Whoever may not init need not keep this node busy with keys.
  if ((await seal.status()).initialized) throw badRequest('Vault is already initialized');
  const holders = await readPgpKeys(pgpKeys);
  const holder = tokenKey === '' ? undefined : await readPgpKey(tokenKey);
  let encrypted: readonly Uint8Array[] | undefined;
  let encryptedToken: string | undefined;
  const { keys, rootToken } = await seal.init({ shares, threshold }, async (made) => {
    // Before the store counts as initialised: keys that nobody can be given must not be the ones that open it.
    if (holders.length > 0) encrypted = await encryptShares(made.keys, holders);
    if (holder)
      encryptedToken = Buffer.from(await holder.encrypt(Buffer.from(made.rootToken))).toString('base64');
  });
  return { ...shownKeys(encrypted ?? keys), root_token: encryptedToken ?? rootToken };
}
