/**
 * What the system engine asks of the seal: this node's, and what is attempted with shares. Built by `system-core.ts`.
 *
 * @module
 */
import type {
  Ending,
  Giving,
  KeyStatus,
  RekeyDone,
  RootGiven,
  RotationConfig,
  SealStatus,
} from '../../model/seal.ts';

export interface SealControl {
  status(): SealStatus | Promise<SealStatus>;
  /**
   * Leaves the node sealed. @throws CodedError where it is initialised.
   * @param more - done before the store counts as initialised. What it throws undoes all.
   */
  init(
    config: { shares: number; threshold: number },
    more?: (made: InitMade) => Promise<void>,
  ): Promise<InitMade>;
  /** @param share - 16 to 33 bytes, wiped by the caller. @throws CodedError `bad_request` where it does not fit. */
  unseal(share: Uint8Array): Promise<unknown>;
  /** Forgets the shares given so far. */
  reset(): void | Promise<void>;
  /** The cluster, or this node alone. Resolves when the keys are gone. */
  seal(nodeOnly: boolean): Promise<void>;
  /** A new data key. */
  rotate(): Promise<unknown>;
  keyStatus(): KeyStatus | Promise<KeyStatus>;
  /** When a new data key begins by itself. */
  rotation(): Promise<RotationConfig>;
  /** What is not given stays. @throws CodedError `bad_request` where it is out of range. */
  changeRotation(change: Partial<RotationConfig>): Promise<void>;
}

export interface InitMade {
  readonly keys: readonly Uint8Array[];
  readonly rootToken: string;
}

/** Root tokens and rekeys that are attempted with shares: one of each in the cluster, whichever node is asked. */
export interface SealAttempts {
  show(name: 'generate-root' | 'rekey'): Promise<AttemptShown>;
  /** One of the two is ''. @throws CodedError `bad_request` where it will not do, or another attempt has a share. */
  startRoot(wanted: { otp: string; pgpKey: string }): Promise<AttemptShown>;
  startRekey(wanted: RekeyWanted): Promise<AttemptShown>;
  /** Without an attempt, nothing. @throws CodedError `bad_request` where it is neither the nonce nor trusted. */
  cancel(name: 'generate-root' | 'rekey', ending: Ending): Promise<void>;
  /** @throws CodedError `bad_request`, 429 after too many wrong ones. */
  giveForRoot(giving: Giving): Promise<RootGiven>;
  /** Undefined: more are needed. */
  giveForRekey(giving: Giving): Promise<RekeyDone | undefined>;
  /** True: the new seal is in force. */
  verify(giving: Giving): Promise<boolean>;
  restartVerification(ending: Ending): Promise<void>;
  /** PGP messages in hex, by the fingerprint of who reads them. */
  backup(): Promise<{ nonce: string; keys: Readonly<Record<string, readonly string[]>> } | undefined>;
  deleteBackup(): Promise<void>;
}

export interface RekeyWanted {
  readonly shares: number;
  readonly threshold: number;
  /** Public, in base64: none, or one for each share. */
  readonly pgpKeys: readonly string[];
  readonly backup: boolean;
  readonly verify: boolean;
}

export interface AttemptShown {
  /** Shares that are needed. */
  readonly required: number;
  readonly attempt:
    | { readonly nonce: string; readonly fingerprint: string }
    | (RekeyWanted & {
        readonly nonce: string;
        readonly fingerprints: readonly string[];
        readonly verification?: { readonly nonce: string };
      })
    | undefined;
  readonly progress: number;
  /** New shares that were given, of a rekey that is verified. */
  readonly verified: number;
}
