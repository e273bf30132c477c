/**
 * What is answered to attempts with shares, in Vault's words, which clients match.
 *
 * @module
 */
import type { AttemptName } from './state.ts';

interface Texts {
  readonly none: string;
  readonly already: string;
  readonly twice: string;
  readonly aborted: string;
  wrongNonce(nonce: string): string;
}

const TWICE = 'given key has already been provided during this generation operation';

export const PROGRESS_TEXTS: Record<AttemptName, Texts> = {
  'generate-root': {
    none: 'no root generation in progress',
    already: 'root generation already in progress',
    twice: TWICE,
    aborted: 'root generation aborted: invalid key',
    wrongNonce: (nonce) => `incorrect nonce supplied; nonce for this root generation operation is "${nonce}"`,
  },
  rekey: {
    none: 'no barrier rekey in progress',
    already: 'rekey already in progress',
    twice: TWICE,
    aborted: 'root key verification failed',
    wrongNonce: (nonce) => `incorrect nonce supplied; nonce for this rekey operation is "${nonce}"`,
  },
};

export const VERIFY_TEXTS = {
  none: 'no rekey verification in progress',
  twice: 'given key has already been provided during this verify operation',
  failed: 'rekey verification failed; incorrect key shares supplied',
  wrongNonce: (nonce: string) => `incorrect nonce supplied; nonce for this verify operation is "${nonce}"`,
};
