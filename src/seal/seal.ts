/**
 * The seal: making the first keys, taking shares until the root key is there, and wiping it (contract §2.1, §16). The shares' secret is a key that
 * encrypts the root key; the root key encrypts the keyring; the keyring's keys encrypt the rest.
 *
 * @module
 */

import { badRequest, CodedError } from '../model/errors.ts';
import { ROTATION_INTERVAL_MIN_MS, TERM_OPERATIONS_MAX, TERM_OPERATIONS_MIN } from '../model/limits.ts';
import type { KeyStatus, RotationConfig, SealStatus } from '../model/seal.ts';
import type { Storage } from '../model/storage.ts';
import { type Barrier, makeBarrier } from './barrier.ts';
import { type Founding, makeFounding } from './founding.ts';
import { activeTerm } from './keyring.ts';
import { makeKeyringStore } from './keyring-store.ts';
import { makeRekeying, type Rekeying } from './rekeying.ts';
import { decodeSealConfig, FOUNDING_PATH, SEAL_PATH, type SealConfig } from './seal-config.ts';
import { copySecret } from './secret-bytes.ts';
import { makeUnsealShares } from './unseal-shares.ts';

export interface SealParts {
  /** The store itself, not what is seen through the barrier. */
  readonly storage: Storage;
  /** Fresh bytes, which the seal wipes. */
  randomBytes(bytes: number): Uint8Array;
  /** Wall clock, ms. */
  now(): number;
  /** Told what went wrong in the background. */
  fault?(what: string, error: unknown): void;
}

export interface Seal {
  readonly barrier: Barrier;
  initialized(): Promise<boolean>;
  /** Makes and stores the first keys and leaves the barrier open, so that the store's first records can be written. One after another. */
  readonly init: Founding['init'];
  status(): Promise<SealStatus>;
  /**
   * Takes one share; the one that completes the threshold unseals. A share given before changes nothing, wrong ones forget all.
   * @param share - 16 to 33 bytes. Copied; the caller wipes its own.
   * @throws CodedError `not_initialized`; `bad_request` in Vault's words when the shares are wrong; `internal` when the keyring does not open.
   */
  unseal(share: Uint8Array): Promise<SealStatus>;
  /**
   * Unseals with the root key itself, as another node has it. Forgets the shares given so far.
   * @param rootKey - 32 bytes. Stays the caller's.
   * @throws CodedError `internal` when the keyring does not open.
   */
  unsealWith(rootKey: Uint8Array): Promise<void>;
  /** A copy of the root key, which the caller wipes. @throws CodedError `sealed`. */
  rootKey(): Uint8Array;
  /** Forgets the shares given so far. */
  resetUnseal(): void;
  /** Zeroes every key. */
  seal(): Promise<void>;
  /** Begins a new term; what is stored stays under its own. @throws CodedError `sealed`. */
  rotate(): Promise<void>;
  /** Begins a new term when the active one is older than configured. To be called now and then. @returns whether it was. */
  rotateIfDue(): Promise<boolean>;
  /** As stored: another node may have changed it. */
  rotation(): Promise<RotationConfig>;
  /** What is not given stays. @throws CodedError `bad_request` in Vault's words when a number is out of range. */
  changeRotation(change: Partial<RotationConfig>): Promise<void>;
  keyStatus(): KeyStatus;
  /** Other shares, and another root key. */
  readonly rekeying: Rekeying;
}

export function makeSeal(parts: SealParts): Seal {
  const { storage, randomBytes, now } = parts;
  const keys = makeKeyringStore(parts);
  const barrier = makeBarrier(keys, randomBytes);
  const given = makeUnsealShares(randomBytes);
  /** As it was last seen. Another node may have put another seal in force since. */
  let config: SealConfig | undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** One after another: two calls with the last share are not two unseals. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const next = last.then(step, step);
    last = next.catch(() => {});
    return next;
  }

  async function readConfig(isAnew = false): Promise<SealConfig | undefined> {
    if (config !== undefined && !isAnew) return config;
    const stored = await storage.get(SEAL_PATH);
    if (stored !== undefined && (await storage.get(FOUNDING_PATH)) === undefined)
      config = decodeSealConfig(stored.value);
    return config;
  }

  const remember = (seen: SealConfig) => {
    config = seen;
  };
  const founding = makeFounding({
    storage,
    keys,
    randomBytes,
    now,
    inForce: () => readConfig(),
    founded: remember,
  });
  const rekeying = makeRekeying({ storage, keys, randomBytes, found: remember });

  async function status(): Promise<SealStatus> {
    const known = await readConfig();
    return {
      type: 'shamir',
      initialized: known !== undefined,
      sealed: keys.isSealed(),
      threshold: known?.threshold ?? 0,
      shares: known?.shares ?? 0,
      progress: given.count(),
      nonce: given.nonce(),
    };
  }

  async function unseal(share: Uint8Array): Promise<SealStatus> {
    const known = await readConfig(keys.isSealed());
    if (known === undefined) throw new CodedError('not_initialized');
    if (!keys.isSealed()) return status();
    if (given.add(share) && given.count() >= known.threshold) await open(known);
    return status();
  }

  /** With `threshold` shares. Whatever comes of it, they are forgotten. */
  async function open(known: SealConfig): Promise<void> {
    let rootKey: Uint8Array | undefined;
    try {
      rootKey = given.rootKey(known);
      await keys.load(rootKey);
    } finally {
      rootKey?.fill(0);
      given.forget();
    }
  }

  return {
    barrier,
    rekeying,
    initialized: async () => (await readConfig()) !== undefined,
    init: (wanted, found, founders) => inTurn(() => founding.init(wanted, found, founders)),
    status,
    unseal: (share) => inTurn(() => unseal(share)),
    unsealWith: (rootKey) =>
      inTurn(async () => {
        if (keys.isSealed()) await keys.load(rootKey);
        given.forget();
      }),
    rootKey: () => copySecret(keys.current().rootKey),
    resetUnseal: given.forget,
    seal: () =>
      inTurn(async () => {
        keys.wipe();
        barrier.wipe();
        given.forget();
      }),
    rotate: () => keys.rotate(),
    rotateIfDue: () =>
      keys.rotateIf((keyring) => {
        const { enabled, intervalMs } = keyring.rotation;
        return enabled && intervalMs > 0 && now() - activeTerm(keyring).installedAtMs >= intervalMs;
      }),
    async rotation() {
      await keys.reload();
      return keys.current().rotation;
    },
    changeRotation: (change) =>
      keys.changeRotation((before) => {
        const next = { ...before, ...change };
        refuseRotation(next);
        return next;
      }),
    keyStatus() {
      const { term, installedAtMs } = activeTerm(keys.current());
      return { term, installedAtMs, encryptions: keys.encryptions() };
    },
  };
}

function refuseRotation({ operationsMax, intervalMs }: RotationConfig): void {
  if (intervalMs !== 0 && intervalMs < ROTATION_INTERVAL_MIN_MS)
    throw badRequest('interval must be greater or equal to 24h0m0s');
  if (!(operationsMax >= TERM_OPERATIONS_MIN && operationsMax <= TERM_OPERATIONS_MAX)) {
    throw badRequest(`max_operations must be in the range [${TERM_OPERATIONS_MIN},${TERM_OPERATIONS_MAX}]`);
  }
}
