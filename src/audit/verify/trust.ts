/**
 * Which keys a checkpoint may be signed with: those that the caller knows, or else those that the log itself names.
 *
 * @module
 */
import { isSignedBy, keyId } from '../../crypto/audit-signature.ts';
import { type CheckpointLine, type KeyIds, signedBytes } from '../../model/audit-chain.ts';

export type Judgement = 'good' | 'bad' | 'unknown key';

export interface Trust {
  /** Were keys given, from elsewhere than the log? */
  readonly isGiven: boolean;
  judge(line: CheckpointLine): Judgement;
}

/** @param given - SPKI in base64, by id; undefined: the log's own word is taken, which shows damage but no forgery. */
export function makeTrust(given: ReadonlyMap<string, string> | undefined): Trust {
  const known = new Map(given);
  return {
    isGiven: given !== undefined,
    judge({ checkpoint, signatures }) {
      if (!given && checkpoint.public_keys) learn(known, checkpoint.public_keys);
      const ed25519 = known.get(checkpoint.keys.ed25519);
      const mlDsa = known.get(checkpoint.keys.ml_dsa_65);
      if (ed25519 === undefined || mlDsa === undefined) return 'unknown key';
      const bytes = signedBytes(checkpoint);
      const isGood =
        isSignedBy('ed25519', ed25519, bytes, signatures.ed25519) &&
        isSignedBy('ml_dsa_65', mlDsa, bytes, signatures.ml_dsa_65);
      return isGood ? 'good' : 'bad';
    },
  };
}

/** Under the ids that they have, whatever the line says. */
function learn(known: Map<string, string>, { ed25519, ml_dsa_65 }: KeyIds): void {
  for (const spki of [ed25519, ml_dsa_65]) {
    if (typeof spki === 'string') known.set(keyId(Buffer.from(spki, 'base64')), spki);
  }
}
