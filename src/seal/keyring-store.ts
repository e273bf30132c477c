/**
 * The keyring in storage: loading it, new terms, and the budget of encryptions (protocol §11, §15). A slice of the active term's budget is debited by
 * a commit before the first encryption under it, so the stored count is never below the truth; a crash or a stop loses the rest of a slice, a seal does not.
 *
 * @module
 */

import { CodedError } from '../model/errors.ts';
import {
  REKEY_TRIES,
  ROOT_KEYS_EXPECTED_MAX,
  TERM_OPERATIONS_MAX,
  TERM_SLICE,
  TERM_SLICES_MIN,
} from '../model/limits.ts';
import type { RotationConfig } from '../model/seal.ts';
import { type Change, type Condition, Conflict, type Storage, StorageFailed } from '../model/storage.ts';
import { NONCE_BYTES } from './aead.ts';
import {
  activeTerm,
  KEYRING_PATH,
  type Keyring,
  openKeyring,
  sealKeyring,
  type Term,
  wipeKeyring,
  withDebit,
  withTerm,
} from './keyring.ts';
import { damaged } from './record.ts';
import { RekeyUnknown } from './rekey-unknown.ts';
import { copySecret, drawKey } from './secret-bytes.ts';

export interface KeyringStoreParts {
  readonly storage: Storage;
  randomBytes(bytes: number): Uint8Array;
  /** Wall clock, ms. */
  now(): number;
  /** Encryptions that are debited at once; TERM_SLICE where absent. */
  readonly slice?: number;
  /** Told when a slice could not be fetched ahead; the write that needs it will try again. */
  fault?(what: string, error: unknown): void;
}

export interface KeyringStore {
  /** The keyring in use. @throws CodedError `sealed`. */
  current(): Keyring;
  isSealed(): boolean;
  /** Stores the first keyring, together with `changes`, and uses it. @returns the commit's version. @throws Conflict when there is one. */
  create(keyring: Keyring, changes: readonly Change[], condition: Condition): Promise<number>;
  /** Reads the stored keyring and uses it. @param rootKey - stays the caller's. @throws CodedError `internal` when it does not open. */
  load(rootKey: Uint8Array): Promise<void>;
  /** As load, under the root key in use: another node may have begun a term. */
  reload(): Promise<void>;
  /** Takes one encryption out of the slice in hand. @throws Error when `reserve` was not asked first. */
  spend(): void;
  /** Resolves when `count` encryptions are in hand; undefined when they are already. */
  reserve(count: number): Promise<void> | undefined;
  /** Encryptions under the active term that may have been made: what was debited, less what is in hand. */
  encryptions(): number;
  /** Begins a new term; resolves when it is stored and in use. */
  rotate(): Promise<void>;
  /** The same where the keyring as it is stored is due; otherwise nothing. @returns whether it was. */
  rotateIf(isDue: (keyring: Keyring) => boolean): Promise<boolean>;
  /** @param change - of what is stored; what it throws ends it. */
  changeRotation(change: (rotation: RotationConfig) => RotationConfig): Promise<void>;
  /**
   * Puts the keyring under another root key, in one commit with `change`, on its condition.
   * @param rootKey - 32 bytes. Copied.
   * @throws Conflict where the condition does not hold; RekeyUnknown where nobody knows what became of it.
   */
  rekey(rootKey: Uint8Array, change: Change, condition: Condition): Promise<void>;
  /**
   * The keyring may lie under this root key when it is read next: a node is about to put it there. Copied. Several may be about to; the
   * last few are kept.
   */
  expect(rootKey: Uint8Array): void;
  /** Zeroes all keys. */
  wipe(): void;
}

const UNKNOWN = 'the storage did not say whether the new shares are in force';

export function makeKeyringStore(parts: KeyringStoreParts): KeyringStore {
  const { storage, randomBytes, now, fault, slice: sliceMax = TERM_SLICE } = parts;
  let keyring: Keyring | undefined;
  let version = 0;
  /** Encryptions in hand under the active term. */
  let left = 0;
  /** How many a slice has, by the rotation that was configured when the last one was debited. */
  let share = 0;
  /** What was in hand when the keys were wiped, for when the same term is used again. */
  let kept: { term: Omit<Term, 'key'>; left: number } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let debiting: Promise<void> | undefined;
  /** See `expect`. */
  let expected: Uint8Array[] = [];

  function current(): Keyring {
    if (keyring === undefined) throw new CodedError('sealed');
    return keyring;
  }

  function use(next: Keyring, nextVersion: number): void {
    const before = keyring;
    if (before === undefined) left = takeKept(activeTerm(next));
    else if (activeTerm(before).term !== activeTerm(next).term) left = 0;
    keyring = next;
    version = nextVersion;
    if (before !== undefined) wipeKeyring(before, next);
  }

  /** The rest of this process's slice, where `stored` is the term it was debited from. One that counts less is of an older copy of the store. */
  function takeKept(stored: Term): number {
    const before = kept;
    kept = undefined;
    if (before?.term.term !== stored.term || before.term.installedAtMs !== stored.installedAtMs) return 0;
    return stored.encryptions >= before.term.encryptions ? before.left : 0;
  }

  /** One after another: what reads the keyring from storage or changes it there. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const next = last.then(step, step);
    last = next.catch(() => {});
    return next;
  }

  async function load(rootKey: Uint8Array): Promise<void> {
    const stored = await storage.get(KEYRING_PATH);
    if (stored === undefined) throw damaged('the keyring is missing');
    use(opened(rootKey, stored.value), stored.version);
  }

  function opened(rootKey: Uint8Array, record: Uint8Array): Keyring {
    try {
      return openKeyring(rootKey, record);
    } catch (error) {
      for (const other of expected) {
        try {
          const keyring = openKeyring(other, record);
          expectNone();
          return keyring;
        } catch {
          // It is under another one.
        }
      }
      throw error;
    }
  }

  function expectNone(): void {
    for (const key of expected) key.fill(0);
    expected = [];
  }

  /** Stores what `change` makes of the keyring, anew where another node was faster. Undefined: nothing. */
  async function update(change: (keyring: Keyring) => Keyring | undefined): Promise<void> {
    for (;;) {
      const before = current();
      const next = change(before);
      if (next === undefined) return;
      try {
        const record = sealKeyring(next, randomBytes(NONCE_BYTES));
        const stored = await storage.commit(
          [{ path: KEYRING_PATH, value: record }],
          [{ path: KEYRING_PATH, version }],
        );
        current();
        use(next, stored);
        return;
      } catch (error) {
        wipeKeyring(next, before);
        if (!(error instanceof Conflict)) throw error;
        await load(current().rootKey);
      }
    }
  }

  async function rekey(rootKey: Uint8Array, change: Change, condition: Condition): Promise<void> {
    for (let tries = REKEY_TRIES; ; tries--) {
      const before = current();
      const next = { ...before, rootKey: copySecret(rootKey) };
      try {
        const record = sealKeyring(next, randomBytes(NONCE_BYTES));
        const changes = [change, { path: KEYRING_PATH, value: record }];
        const stored = await storage.commit(changes, [condition, { path: KEYRING_PATH, version }]);
        // Sealed meanwhile, it is done all the same: whoever waits for the new shares must have them.
        if (keyring) use(next, stored);
        else wipeKeyring(next);
        return;
      } catch (error) {
        wipeKeyring(next, before);
        const isUnknown = error instanceof StorageFailed && !error.outcomeKnown;
        if (!isUnknown && !(error instanceof Conflict)) throw error;
        if (isUnknown && !keyring) throw new RekeyUnknown(UNKNOWN);
        if (await isRekeyed(rootKey, change, condition, isUnknown)) return;
        if (tries > 0) continue;
        throw isUnknown
          ? new RekeyUnknown('the storage did not say whether the new shares are in force')
          : error;
      }
    }
  }

  /** After a try that did not say so. @throws Conflict where neither the one nor the other record is there. */
  async function isRekeyed(
    rootKey: Uint8Array,
    { path, value }: Change,
    condition: Condition,
    isUnknown: boolean,
  ): Promise<boolean> {
    try {
      const found = await storage.get(path);
      if (found && value && Buffer.compare(found.value, value) === 0) {
        await load(rootKey);
        return true;
      }
      if (found?.version !== condition.version) throw new Conflict(path);
      // What was in the way is the keyring itself: another node took a slice of its term.
      await load(current().rootKey);
    } catch (error) {
      if (!isUnknown || error instanceof Conflict) throw error;
    }
    return false;
  }

  const newTerm = (from: Keyring) => withTerm(from, drawKey(randomBytes), now());

  /** Takes a slice into hand; under a new term where `wanted`, or where the active one has nothing left. Also where rotation is switched off. */
  async function debit(wanted: boolean, isDue?: (keyring: Keyring) => boolean): Promise<boolean> {
    let slice = 0;
    await update((from) => {
      slice = 0;
      if (isDue && !isDue(from)) return undefined;
      const { enabled, operationsMax } = from.rotation;
      const bound = enabled ? Math.min(operationsMax, TERM_OPERATIONS_MAX) : TERM_OPERATIONS_MAX;
      const room = wanted ? 0 : bound - activeTerm(from).encryptions;
      // Several nodes and several starts share a term, however small it was made.
      share = Math.min(sliceMax, Math.ceil(bound / TERM_SLICES_MIN));
      slice = Math.min(share, room > 0 ? room : bound);
      return withDebit(room > 0 ? from : newTerm(from), slice);
    });
    left += slice;
    return slice > 0;
  }

  function startDebit(): Promise<void> {
    debiting ??= inTurn(async () => void (await debit(false))).finally(() => {
      debiting = undefined;
    });
    return debiting;
  }

  async function reserveSlowly(count: number): Promise<void> {
    while (left < count) {
      current();
      await startDebit();
    }
  }

  return {
    current,
    isSealed: () => keyring === undefined,
    async create(first, changes, condition) {
      const begun = withDebit(first, sliceMax);
      const stored = await storage.commit(
        [...changes, { path: KEYRING_PATH, value: sealKeyring(begun, randomBytes(NONCE_BYTES)) }],
        [condition, { path: KEYRING_PATH, version: 0 }],
      );
      use(begun, stored);
      left = share = sliceMax;
      return stored;
    },
    load: (rootKey) => inTurn(() => load(rootKey)),
    reload: () => inTurn(() => load(current().rootKey)),
    spend() {
      if (left <= 0) throw new Error('encryptions were not reserved');
      left--;
    },
    reserve(count) {
      // The next slice is fetched while this one lasts, so that no write waits for it.
      if (left < count) return reserveSlowly(count);
      if (left < share / 4 && keyring !== undefined)
        startDebit().catch((error: unknown) => fault?.('term budget', error));
      return undefined;
    },
    encryptions: () => activeTerm(current()).encryptions - left,
    rotate: () => inTurn(async () => void (await debit(true))),
    rotateIf: (isDue) => inTurn(async () => isDue(current()) && (await debit(true, isDue))),
    changeRotation: (change) =>
      inTurn(() => update((from) => ({ ...from, rotation: change(from.rotation) }))),
    rekey: (rootKey, change, condition) => inTurn(() => rekey(rootKey, change, condition)),
    expect(rootKey) {
      current();
      while (expected.length >= ROOT_KEYS_EXPECTED_MAX) expected.shift()!.fill(0);
      expected.push(copySecret(rootKey));
    },
    wipe() {
      expectNone();
      if (keyring !== undefined) {
        const { term, installedAtMs, encryptions } = activeTerm(keyring);
        kept = { term: { term, installedAtMs, encryptions }, left };
        wipeKeyring(keyring);
      }
      keyring = undefined;
      left = 0;
    },
  };
}
