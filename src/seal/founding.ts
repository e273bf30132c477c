/**
 * Founding a store: its first keys and its first records. The mark at FOUNDING_PATH stands while it is under way: a store that has one does not
 * count as initialised, and the next init removes what lies there and begins anew.
 *
 * @module
 */
import { badRequest, CodedError } from '../model/errors.ts';
import { COMMIT_OPERATIONS, FOUNDING_TRIES, SHARES_MAX } from '../model/limits.ts';
import { type Change, Conflict, type Storage, StorageFailed } from '../model/storage.ts';
import { drawSeal } from './drawn-seal.ts';
import { type Keyring, ROTATION_DEFAULT } from './keyring.ts';
import type { KeyringStore } from './keyring-store.ts';
import { encodeSealConfig, FOUNDING_PATH, isOfTheStore, SEAL_PATH, type SealConfig } from './seal-config.ts';
import { drawKey } from './secret-bytes.ts';

/** Who founds a store, where several nodes might. */
export interface Founders {
  /** What this node is called, until it stops or is evicted. */
  self(): string;
  /** May it still be at work? */
  isAlive(name: string): boolean;
}

export interface Founding {
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
}

export interface FoundingParts {
  readonly storage: Storage;
  readonly keys: KeyringStore;
  randomBytes(bytes: number): Uint8Array;
  /** Wall clock, ms. */
  now(): number;
  /** Undefined: the store is not initialised. */
  inForce(): Promise<SealConfig | undefined>;
  /** This one is in force from now on. */
  founded(config: SealConfig): void;
}

export function makeFounding(parts: FoundingParts): Founding {
  const { storage, keys, randomBytes, now } = parts;

  function firstKeyring(): Keyring {
    const key = () => drawKey(randomBytes);
    return {
      rootKey: key(),
      namesKey: key(),
      terms: [{ term: 1, key: key(), installedAtMs: now(), encryptions: 0 }],
      rotation: ROTATION_DEFAULT,
    };
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
    if (founders && founder !== founders.self() && founders.isAlive(founder)) throw anotherFounds();
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
      throw error instanceof Conflict ? anotherFounds() : error;
    }
  }

  return {
    async init(wanted, found, founders) {
      refuseShares(wanted.shares, wanted.threshold);
      if ((await parts.inForce()) !== undefined) throw alreadyInitialized();
      await removeUnfinished(founders);
      const keyring = firstKeyring();
      const { config, shares } = drawSeal(wanted, keyring, randomBytes);
      const record = encodeSealConfig(config);
      const records: Change[] = [{ path: SEAL_PATH, value: record }];
      if (found) records.push({ path: FOUNDING_PATH, value: Buffer.from(founders?.self() ?? '') });
      try {
        const version = await keys.create(keyring, records, { path: SEAL_PATH, version: 0 });
        if (found) {
          await found(shares);
          await takeMark(version, record);
        }
      } catch (error) {
        for (const share of shares) share.fill(0);
        throw error instanceof Conflict ? alreadyInitialized() : error;
      }
      parts.founded(config);
      return shares;
    },
  };
}

const alreadyInitialized = () => badRequest('Vault is already initialized');

const anotherFounds = () =>
  new CodedError('unavailable', 'another node is initializing the cluster; try again');

/** Vault's words and order. */
function refuseShares(shares: number, threshold: number): void {
  const fault = (text: string) => badRequest(`invalid seal configuration: ${text}`);
  if (!(shares >= 1)) throw fault('shares must be at least one');
  if (!(threshold >= 1)) throw fault('threshold must be at least one');
  if (shares > 1 && threshold === 1) throw fault('threshold must be greater than one for multiple shares');
  if (shares > SHARES_MAX) throw fault(`shares must be less than ${SHARES_MAX + 1}`);
  if (threshold > shares) throw fault('threshold cannot be larger than shares');
}
