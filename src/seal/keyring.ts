/**
 * The keyring: the barrier's keys by term, in Vault's JSON (vault-data-format.md §2) and with one member of ours, `NamesKey`. Its record lies
 * under the root key, in the form of every other record, always with term 1.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { TERM_OPERATIONS_MAX } from '../model/limits.ts';
import type { RotationConfig } from '../model/seal.ts';
import { rfc3339 } from '../model/time.ts';
import { damaged, openKeyRecord, sealRecord, termOf } from './record.ts';
import { KEY_BYTES } from './secret-bytes.ts';
import { decodeSecretJson, encodeSecretJson } from './secret-json.ts';

export const KEYRING_PATH = 'keyring';
const KEYRING_TERM = 1;
const NS_PER_MS = 1_000_000;

/** One key of the barrier. */
export interface Term {
  readonly term: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
  readonly installedAtMs: number;
  /** Debited so far: at least as many as were made under this key. */
  readonly encryptions: number;
}

/** Immutable: a change makes a new one, which shares the keys that stay. */
export interface Keyring {
  readonly rootKey: Uint8Array;
  /** What names and other lasting things are derived from; the same for the life of the store. */
  readonly namesKey: Uint8Array;
  /** By rising number; the last is active. */
  readonly terms: readonly Term[];
  readonly rotation: RotationConfig;
}

export const ROTATION_DEFAULT: RotationConfig = {
  enabled: true,
  operationsMax: TERM_OPERATIONS_MAX,
  intervalMs: 0,
};

export function activeTerm(keyring: Keyring): Term {
  const active = keyring.terms.at(-1);
  assert(active !== undefined);
  return active;
}

export function withTerm(keyring: Keyring, key: Uint8Array, nowMs: number): Keyring {
  const term = { term: activeTerm(keyring).term + 1, key, installedAtMs: nowMs, encryptions: 0 };
  return { ...keyring, terms: [...keyring.terms, term] };
}

/** The active term with `count` more encryptions debited. */
export function withDebit(keyring: Keyring, count: number): Keyring {
  const active = activeTerm(keyring);
  const debited = { ...active, encryptions: active.encryptions + count };
  return { ...keyring, terms: [...keyring.terms.slice(0, -1), debited] };
}

/** Zeroes every key that `keep`, another state of the same keyring, does not hold. */
export function wipeKeyring(keyring: Keyring, keep?: Keyring): void {
  const kept = new Set(keep === undefined ? [] : keysOf(keep));
  for (const key of keysOf(keyring)) if (!kept.has(key)) key.fill(0);
}

function keysOf(keyring: Keyring): Uint8Array[] {
  return [keyring.rootKey, keyring.namesKey, ...keyring.terms.map((term) => term.key)];
}

/** The record to store at KEYRING_PATH. @param nonce - 12 random bytes. */
export function sealKeyring(keyring: Keyring, nonce: Uint8Array): Buffer {
  const json = encodeSecretJson({
    MasterKey: plain(keyring.rootKey),
    Keys: keyring.terms.map((term) => ({
      Term: term.term,
      Version: 1,
      Value: plain(term.key),
      InstallTime: rfc3339(term.installedAtMs),
      encryptions: term.encryptions,
    })),
    RotationConfig: {
      Disabled: !keyring.rotation.enabled,
      MaxOperations: keyring.rotation.operationsMax,
      Interval: keyring.rotation.intervalMs * NS_PER_MS,
    },
    NamesKey: plain(keyring.namesKey),
  });
  try {
    return sealRecord(keyring.rootKey, KEYRING_TERM, KEYRING_PATH, nonce, json);
  } finally {
    json.fill(0);
  }
}

/**
 * Opens what sealKeyring made. The caller wipes the keyring.
 * @throws CodedError `internal` when it does not open under `rootKey` or is not a keyring.
 */
export function openKeyring(rootKey: Uint8Array, record: Uint8Array): Keyring {
  termOf(record);
  const json = openKeyRecord(rootKey, KEYRING_PATH, record);
  try {
    return readKeyring(decodeSecretJson(json));
  } catch {
    // The parser's own words may quote what it read.
    throw damaged('the keyring is malformed');
  } finally {
    json.fill(0);
  }
}

function readKeyring(value: unknown): Keyring {
  const stored = value as Record<string, unknown>;
  const rotation = stored.RotationConfig as Record<string, unknown>;
  const terms = (stored.Keys as Record<string, unknown>[]).map((entry) => ({
    term: whole(entry.Term),
    key: key(entry.Value),
    installedAtMs: whole(Date.parse(entry.InstallTime as string)),
    encryptions: whole(entry.encryptions ?? 0),
  }));
  terms.sort((a, b) => a.term - b.term);
  assert(terms.length > 0);
  return {
    rootKey: key(stored.MasterKey),
    namesKey: key(stored.NamesKey),
    terms,
    rotation: {
      enabled: rotation.Disabled !== true,
      operationsMax: whole(rotation.MaxOperations),
      intervalMs: Math.floor(whole(rotation.Interval) / NS_PER_MS),
    },
  };
}

function key(value: unknown): Uint8Array {
  assert(value instanceof Uint8Array);
  assert(value.length === KEY_BYTES);
  return value;
}

function whole(value: unknown): number {
  assert(typeof value === 'number');
  assert(Number.isInteger(value));
  return value;
}

/** The same bytes without a Buffer's toJSON. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
