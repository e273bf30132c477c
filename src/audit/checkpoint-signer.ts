/**
 * Keys that audit checkpoints are signed with. They are derived from the store's own secret, so every node has the same ones and none has to be
 * made, kept or handed on; a number in the catalog says which are in use, and rises when they are rotated.
 *
 * @module
 */
import { type SigningKey, signingKey } from '../crypto/audit-signature.ts';
import { type Checkpoint, type KeyIds, signedBytes } from '../model/audit-chain.ts';

export interface SignerOptions {
  /** 32 bytes for the purpose that `label` names, the same for the life of the store; wiped here. @throws CodedError `sealed` */
  derive(label: string): Uint8Array;
  /** Of the keys in use: 1 and up. */
  generation(): number;
}

export interface PublicKeys {
  readonly generation: number;
  readonly ids: KeyIds;
  /** SPKI, base64. */
  readonly keys: KeyIds;
}

export interface CheckpointSigner {
  /** Of the keys in use. */
  current(): PublicKeys;
  /** Of all that were ever in use, oldest first. */
  all(): PublicKeys[];
  /** With the keys that the checkpoint names. */
  sign(checkpoint: Checkpoint): Promise<KeyIds>;
  /** Forgets the keys. */
  clear(): void;
}

interface Pair {
  readonly ed25519: SigningKey;
  readonly ml_dsa_65: SigningKey;
}

export function makeCheckpointSigner({ derive, generation }: SignerOptions): CheckpointSigner {
  const pairs = new Map<number, Pair>();

  function keyOf(kind: keyof Pair, number: number): SigningKey {
    const seed = derive(`audit checkpoint ${kind} ${number}`);
    try {
      return signingKey(kind, seed);
    } finally {
      seed.fill(0);
    }
  }

  function pairOf(number: number): Pair {
    let pair = pairs.get(number);
    if (!pair) {
      pair = { ed25519: keyOf('ed25519', number), ml_dsa_65: keyOf('ml_dsa_65', number) };
      pairs.set(number, pair);
    }
    return pair;
  }

  function publicKeys(number: number): PublicKeys {
    const { ed25519, ml_dsa_65 } = pairOf(number);
    return {
      generation: number,
      ids: { ed25519: ed25519.id, ml_dsa_65: ml_dsa_65.id },
      keys: { ed25519: ed25519.spki, ml_dsa_65: ml_dsa_65.spki },
    };
  }

  return {
    current: () => publicKeys(generation()),
    all: () => Array.from({ length: generation() }, (_, index) => publicKeys(index + 1)),
    async sign(checkpoint) {
      const pair = [...pairs.values()].find(({ ed25519 }) => ed25519.id === checkpoint.keys.ed25519);
      if (!pair) throw new Error('the keys that a checkpoint names are not here');
      const bytes = signedBytes(checkpoint);
      const [ed25519, ml_dsa_65] = await Promise.all([pair.ed25519.sign(bytes), pair.ml_dsa_65.sign(bytes)]);
      return { ed25519, ml_dsa_65 };
    },
    clear: () => pairs.clear(),
  };
}
