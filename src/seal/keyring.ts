/**
 * The keyring: the barrier's data keys by term, as Vault's JSON, sealed under the root key. One member is ours: `NamesKey`, from which the
 * sealing of names and other lasting keys are derived; it is never rotated, since what was derived from it is in paths.
 *
 * @module
 */
import assert from 'node:assert';

const KEY_BYTES = 32;
/** Vault's default: the random nonces of AES-GCM allow 2^32 encryptions under one key (SP 800-38D §8.3); this stays below. */
export const OPERATIONS_MAX = 3_865_470_566;

export interface TermKey {
  readonly key: Buffer;
  readonly installedAtMs: number;
  /** Encryptions that may have been made under it: debited in storage before they are. */
  readonly encryptions: number;
}

export interface Keyring {
  readonly rootKey: Buffer;
  readonly namesKey: Buffer;
  readonly terms: ReadonlyMap<number, TermKey>;
  /** The highest. */
  readonly activeTerm: number;
}

interface KeyringJson {
  MasterKey: string;
  NamesKey: string;
  Keys: { Term: number; Version: 1; Value: string; InstallTime: string; encryptions?: number }[];
  RotationConfig: { Disabled: boolean; MaxOperations: number; Interval: number };
}

export function newKeyring(randomBytes: (bytes: number) => Buffer, nowMs: number): Keyring {
  const first: TermKey = { key: randomBytes(KEY_BYTES), installedAtMs: nowMs, encryptions: 0 };
  return {
    rootKey: randomBytes(KEY_BYTES),
    namesKey: randomBytes(KEY_BYTES),
    terms: new Map([[1, first]]),
    activeTerm: 1,
  };
}

/** With one more term, which is the active one from now on. */
export function withNewTerm(keyring: Keyring, key: Buffer, nowMs: number): Keyring {
  const activeTerm = keyring.activeTerm + 1;
  const term: TermKey = { key, installedAtMs: nowMs, encryptions: 0 };
  return { ...keyring, terms: new Map(keyring.terms).set(activeTerm, term), activeTerm };
}

/** With `encryptions` debited from the active term. */
export function withDebit(keyring: Keyring, encryptions: number): Keyring {
  const active = keyring.terms.get(keyring.activeTerm)!;
  return { ...keyring, terms: new Map(keyring.terms).set(keyring.activeTerm, { ...active, encryptions }) };
}

export function encodeKeyring(keyring: Keyring): Buffer {
  const json: KeyringJson = {
    MasterKey: keyring.rootKey.toString('base64'),
    NamesKey: keyring.namesKey.toString('base64'),
    Keys: [...keyring.terms].map(([term, { key, installedAtMs, encryptions }]) => ({
      Term: term,
      Version: 1,
      Value: key.toString('base64'),
      InstallTime: new Date(installedAtMs).toISOString(),
      encryptions,
    })),
    RotationConfig: { Disabled: false, MaxOperations: OPERATIONS_MAX, Interval: 0 },
  };
  return Buffer.from(JSON.stringify(json));
}

export function decodeKeyring(bytes: Uint8Array): Keyring {
  const json = JSON.parse(Buffer.from(bytes).toString()) as KeyringJson;
  const key = (text: string): Buffer => {
    const decoded = Buffer.from(text, 'base64');
    assert.equal(decoded.length, KEY_BYTES, 'keyring: a key of another length');
    return decoded;
  };
  const terms = new Map(
    json.Keys.map((entry) => [
      entry.Term,
      {
        key: key(entry.Value),
        installedAtMs: Date.parse(entry.InstallTime),
        encryptions: entry.encryptions ?? 0,
      },
    ]),
  );
  assert(terms.size > 0, 'keyring: no keys');
  return {
    rootKey: key(json.MasterKey),
    namesKey: key(json.NamesKey),
    terms,
    activeTerm: Math.max(...terms.keys()),
  };
}

export function wipeKeyring(keyring: Keyring): void {
  keyring.rootKey.fill(0);
  keyring.namesKey.fill(0);
  for (const { key } of keyring.terms.values()) key.fill(0);
}
