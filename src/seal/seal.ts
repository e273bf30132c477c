/**
 * The seal: making the first keys, taking shares until the root key is there, and wiping it (contract §2.1, §16). The shares' secret is a key that
 * encrypts the root key; the root key encrypts the keyring; the keyring's keys encrypt the rest.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import { badRequest, CodedError } from '../model/errors.ts';
import {
  COMMIT_OPERATIONS,
  FOUNDING_TRIES,
  ROTATION_INTERVAL_MIN_MS,
  SHARE_BYTES_MAX,
  SHARE_BYTES_MIN,
  SHARES_MAX,
  TERM_OPERATIONS_MAX,
  TERM_OPERATIONS_MIN,
} from '../model/limits.ts';
import { type Change, Conflict, type Storage, StorageFailed } from '../model/storage.ts';
import { NONCE_BYTES } from './aead.ts';
import { type Barrier, makeBarrier } from './barrier.ts';
import { activeTerm, type Keyring, ROTATION_DEFAULT, type RotationConfig } from './keyring.ts';
import { makeKeyringStore } from './keyring-store.ts';
import { makeRekeying, type Rekeying } from './rekeying.ts';
import {
  decodeSealConfig,
  encodeSealConfig,
  FOUNDING_PATH,
  isOfTheStore,
  SEAL_PATH,
  type SealConfig,
  unwrapRootKey,
  wrapRootKey,
} from './seal-config.ts';
import { copySecret, drawKey } from './secret-bytes.ts';
import { combine, split } from './shamir.ts';
import { checksOf } from './share-checks.ts';

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

/** Who founds a store, where several nodes might. */
export interface Founders {
  /** What this node is called, until it stops or is evicted. */
  self(): string;
  /** May it still be at work? */
  isAlive(name: string): boolean;
}

export interface SealStatus {
  readonly type: 'shamir';
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** 0 where not initialised, as is `shares`. */
  readonly threshold: number;
  readonly shares: number;
  /** Shares given so far to an unseal that is not through. */
  readonly progress: number;
  /** A uuid that names this unseal; '' where none is under way. */
  readonly nonce: string;
}

export interface KeyStatus {
  readonly term: number;
  readonly installedAtMs: number;
  /** At least as many as were made; after a restart the unused rest of a slice counts too. */
  readonly encryptions: number;
}

export interface Seal {
  readonly barrier: Barrier;
  initialized(): Promise<boolean>;
  /**
   * Makes and stores the first keys and leaves the barrier open, so that the store's first records can be written.
   * @param found - writes these. Only when it is through does the store count as initialised; a crash before leaves one that does not, and
   *   the next init begins anew. It is shown the shares, and keeps none.
   * @param founders - where several nodes use the store. Absent: what an earlier init left behind is nobody's any more.
   * @returns the shares, `threshold` of which unseal; with one share it is the unseal key itself. The caller wipes them.
   * @throws CodedError `bad_request` in Vault's words; `unavailable` while another node is at it.
   */
  init(
    config: { readonly shares: number; readonly threshold: number },
    found?: (shares: Uint8Array[]) => Promise<void>,
    founders?: Founders,
  ): Promise<Uint8Array[]>;
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
  /** As it was last seen. Another node may have put another seal in force since. */
  let config: SealConfig | undefined;
  let given: Uint8Array[] = [];
  let nonce = '';
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

  const rekeying = makeRekeying({
    storage,
    keys,
    randomBytes,
    found(inForce) {
      config = inForce;
    },
  });

  function forget(): void {
    for (const share of given) share.fill(0);
    given = [];
    nonce = '';
  }

  async function init(
    { shares, threshold }: { shares: number; threshold: number },
    found?: (shares: Uint8Array[]) => Promise<void>,
    founders?: Founders,
  ): Promise<Uint8Array[]> {
    refuseShares(shares, threshold);
    if ((await readConfig()) !== undefined) throw badRequest('Vault is already initialized');
    await removeUnfinished(founders);
    const kek = drawKey(randomBytes);
    const keyring = firstKeyring();
    const storedKey = wrapRootKey(kek, keyring.rootKey, randomBytes(NONCE_BYTES));
    const made = shares === 1 ? [copySecret(kek)] : split(kek, { shares, threshold }, randomBytes);
    kek.fill(0);
    const fresh = { shares, threshold, storedKey, checks: checksOf(made, keyring.namesKey) };
    const records: Change[] = [{ path: SEAL_PATH, value: encodeSealConfig(fresh) }];
    const self = Buffer.from(founders?.self() ?? '');
    if (found) records.push({ path: FOUNDING_PATH, value: self });
    try {
      const version = await keys.create(keyring, records, { path: SEAL_PATH, version: 0 });
      if (found) {
        await found(made);
        await takeMark(version, encodeSealConfig(fresh));
      }
    } catch (error) {
      for (const share of made) share.fill(0);
      throw error instanceof Conflict ? badRequest('Vault is already initialized') : error;
    }
    config = fresh;
    return made;
  }

  /**
   * Takes away the mark of this very init: who was thought dead may have been overtaken by another. It must be known what became of
   * that: a store that counts as initialised, and whose shares nobody was given, is lost.
   */
  async function takeMark(version: number, config: Uint8Array): Promise<void> {
    for (let tries = FOUNDING_TRIES; ; tries--) {
      try {
        await storage.commit([{ path: FOUNDING_PATH, value: undefined }], [{ path: FOUNDING_PATH, version }]);
        return;
      } catch (error) {
        if (error instanceof Conflict) {
          // Either an earlier try was done after all, or the store is another's by now.
          const stored = await storage.get(SEAL_PATH);
          if (stored !== undefined && Buffer.compare(stored.value, config) === 0) return;
          throw error;
        }
        const isUnknown = error instanceof StorageFailed && !error.outcomeKnown;
        if (!isUnknown || tries === 0) throw error;
      }
    }
  }

  /** What an init left that did not come to its end. The mark goes last, so that this too may be broken off. */
  async function removeUnfinished(founders: Founders | undefined): Promise<void> {
    const mark = await storage.get(FOUNDING_PATH);
    if (mark === undefined) return;
    const founder = Buffer.from(mark.value).toString();
    if (founders && founder !== founders.self() && founders.isAlive(founder))
      throw new CodedError('unavailable', 'another node is initializing the cluster; try again');
    // With each step: somebody else may be removing the same, and be through before us.
    const isStill = [{ path: FOUNDING_PATH, version: mark.version }];
    try {
      for (let after = ''; ; ) {
        const paths = await storage.list('', after, COMMIT_OPERATIONS - isStill.length);
        if (paths.length === 0) break;
        after = paths.at(-1)!;
        const gone = paths.filter((path) => path !== FOUNDING_PATH && !isOfTheStore(path));
        if (gone.length === 0) continue;
        await storage.commit(
          gone.map((path) => ({ path, value: undefined })),
          isStill,
        );
      }
      await storage.commit([{ path: FOUNDING_PATH, value: undefined }], isStill);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      throw new CodedError('unavailable', 'another node is initializing the cluster; try again');
    }
  }

  function firstKeyring(): Keyring {
    const key = () => drawKey(randomBytes);
    return {
      rootKey: key(),
      namesKey: key(),
      terms: [{ term: 1, key: key(), installedAtMs: now(), encryptions: 0 }],
      rotation: ROTATION_DEFAULT,
    };
  }

  async function status(): Promise<SealStatus> {
    const known = await readConfig();
    return {
      type: 'shamir',
      initialized: known !== undefined,
      sealed: keys.isSealed(),
      threshold: known?.threshold ?? 0,
      shares: known?.shares ?? 0,
      progress: given.length,
      nonce,
    };
  }

  async function unseal(share: Uint8Array): Promise<SealStatus> {
    const known = await readConfig(keys.isSealed());
    if (known === undefined) throw new CodedError('not_initialized');
    if (!keys.isSealed()) return status();
    refuseShare(share);
    if (given.some((other) => other.length === share.length && timingSafeEqual(other, share)))
      return status();
    given.push(copySecret(share));
    if (nonce === '') nonce = uuid(randomBytes(16));
    if (given.length >= known.threshold) await open(known);
    return status();
  }

  /** With `threshold` shares. Whatever comes of it, they are forgotten. */
  async function open(known: SealConfig): Promise<void> {
    let kek: Uint8Array | undefined;
    let rootKey: Uint8Array | undefined;
    try {
      kek = unsealKey(known);
      rootKey = unwrapRootKey(kek, known);
      if (rootKey === undefined) {
        throw badRequest(
          'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed',
        );
      }
      await keys.load(rootKey);
    } finally {
      kek?.fill(0);
      rootKey?.fill(0);
      forget();
    }
  }

  function unsealKey({ threshold }: SealConfig): Uint8Array {
    const key = threshold === 1 ? copySecret(given[0]!) : combined();
    if (![16, 24, 32].includes(key.length)) {
      key.fill(0);
      throw badRequest(`invalid key: failed to setup unseal key: crypto/aes: invalid key size ${key.length}`);
    }
    return key;
  }

  function combined(): Uint8Array {
    try {
      return combine(given);
    } catch (error) {
      throw badRequest(`invalid key: failed to compute combined key: ${(error as Error).message}`);
    }
  }

  return {
    barrier,
    rekeying,
    initialized: async () => (await readConfig()) !== undefined,
    init: (wanted, found, founders) => inTurn(() => init(wanted, found, founders)),
    status,
    unseal: (share) => inTurn(() => unseal(share)),
    unsealWith: (rootKey) =>
      inTurn(async () => {
        if (keys.isSealed()) await keys.load(rootKey);
        forget();
      }),
    rootKey: () => copySecret(keys.current().rootKey),
    resetUnseal: forget,
    seal: () =>
      inTurn(async () => {
        keys.wipe();
        barrier.wipe();
        forget();
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

/** Vault's words and order. */
function refuseShares(shares: number, threshold: number): void {
  const fault = (text: string) => badRequest(`invalid seal configuration: ${text}`);
  if (!(shares >= 1)) throw fault('shares must be at least one');
  if (!(threshold >= 1)) throw fault('threshold must be at least one');
  if (shares > 1 && threshold === 1) throw fault('threshold must be greater than one for multiple shares');
  if (shares > SHARES_MAX) throw fault(`shares must be less than ${SHARES_MAX + 1}`);
  if (threshold > shares) throw fault('threshold cannot be larger than shares');
}

function refuseShare(share: Uint8Array): void {
  if (share.length < SHARE_BYTES_MIN) {
    throw badRequest(`invalid key: key is shorter than minimum ${SHARE_BYTES_MIN} bytes`);
  }
  if (share.length > SHARE_BYTES_MAX) {
    throw badRequest(`invalid key: key is longer than maximum ${SHARE_BYTES_MAX} bytes`);
  }
}

/** 16 bytes in a uuid's spelling; random throughout, as Vault's. */
function uuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
