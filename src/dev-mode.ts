/**
 * Dev mode: a server that is initialised and unsealed when it is up, with `secret/` mounted and the root token you asked for.
 *
 * @module
 */
import assert from 'node:assert';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newMount, rootToken } from './founding.ts';
import type { Coffer } from './main.ts';
import { OWN_CLAIMS } from './model/actor.ts';
import type { NewToken } from './model/caller.ts';
import type { Mount } from './model/mount.ts';
import { systemReason } from './model/system-reason.ts';
import { addMount } from './pipeline/mount-table.ts';

export interface DevSecrets {
  /** Base64. */
  readonly unsealKey: string;
  /** All that are known and good; the first is printed. */
  readonly rootTokens: readonly [string, ...string[]];
}

export interface DevOptions {
  /** Where `-dev-data` keeps unseal key and root token; undefined: nowhere. */
  readonly folder: string | undefined;
  readonly rootTokenId: string | undefined;
  /** Of the key-value engine at `secret/`; undefined: none is mounted. */
  readonly kvVersion: '1' | '2' | undefined;
}

/**
 * Initialises a new store, or unseals the kept one, and makes the asked-for root token. The token it returns is good.
 * @throws Error with one sentence where that cannot be.
 */
export async function openDevMode(coffer: Coffer, options: DevOptions): Promise<DevSecrets> {
  const kept = options.folder === undefined ? undefined : readSecrets(options.folder);
  if (await coffer.seal.initialized()) {
    if (!kept) throw new Error(alreadyInitialized(options.folder));
    await coffer.lifecycle.unseal(Buffer.from(kept.unsealKey, 'base64'));
    const rootTokens = await goodTokens(coffer, options.rootTokenId, kept.rootTokens);
    return keep(options.folder, { unsealKey: kept.unsealKey, rootTokens });
  }
  let made: DevSecrets | undefined;
  // All of it before the store counts as initialised: a start that is killed on the way locks no folder, and the next begins anew.
  await coffer.lifecycle.init({ shares: 1, threshold: 1 }, async ({ keys, rootToken: first }) => {
    if (options.kvVersion !== undefined)
      await coffer.catalog.change(addMount, secretMount(options.kvVersion));
    const token = options.rootTokenId ?? first;
    if (token !== first) {
      await makeToken(coffer, token);
      await coffer.tokens.revoke(coffer.tokens.accessorOf(first), 'tree');
    }
    const unsealKey = Buffer.from(keys[0]!).toString('base64');
    made = keep(options.folder, { unsealKey, rootTokens: [token] });
  });
  assert(made);
  await coffer.lifecycle.unseal(Buffer.from(made.unsealKey, 'base64'));
  return made;
}

/**
 * `wanted`, made where it is not there, and those of `kept` that are still root tokens: somebody may use them. Where none is, a new one: whoever
 * holds the folder holds its unseal key.
 * @throws Error where `wanted` is another token.
 */
async function goodTokens(
  coffer: Coffer,
  wanted: string | undefined,
  kept: readonly string[],
): Promise<readonly [string, ...string[]]> {
  const found = (token: string) => coffer.tokens.authenticate(token, { takeUse: false });
  if (wanted !== undefined) {
    const there = await found(wanted);
    if (there && !there.isRoot) throw new Error('-dev-root-token-id: expected a root token, or a new one');
    if (!there) await makeToken(coffer, wanted);
  }
  const others: string[] = [];
  for (const token of new Set(kept)) {
    if (token !== wanted && (await found(token))?.isRoot) others.push(token);
  }
  const [first = await makeToken(coffer, undefined), ...more] =
    wanted === undefined ? others : [wanted, ...others];
  return [first, ...more];
}

function alreadyInitialized(folder: string | undefined): string {
  if (folder !== undefined) return `${folder} holds data, but no unseal key: was it made by dev mode?`;
  return 'the storage of the configuration is initialized already, and dev mode keeps no unseal key for it: start without -dev';
}

async function makeToken(coffer: Coffer, id: string | undefined): Promise<string> {
  return (await coffer.tokens.create(devToken(), id, { claims: OWN_CLAIMS, namespace: 'root' })).token;
}

function secretMount(version: string): Mount {
  const description = 'key/value secret storage';
  return newMount({ path: 'secret/', type: 'kv', description, options: { version } });
}

/** As one that `token create` makes. */
function devToken(): NewToken {
  return { ...rootToken(), displayName: 'token', path: 'auth/token/create' };
}

const UNSEAL_KEY_FILE = 'unseal-key';
/** The one that is printed. */
const ROOT_TOKEN_FILE = 'root-token';
/** The others that are good, one a line; not there where there is none. */
const MORE_TOKENS_FILE = 'more-root-tokens';

function readSecrets(folder: string): DevSecrets | undefined {
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new Error(`${join(folder, name)} cannot be read: ${systemReason(error)}`);
    }
  };
  const unsealKey = read(UNSEAL_KEY_FILE);
  const rootToken = read(ROOT_TOKEN_FILE);
  if (unsealKey === undefined || rootToken === undefined) return undefined;
  const more = (read(MORE_TOKENS_FILE) ?? '').split('\n').filter((line) => line !== '');
  return { unsealKey, rootTokens: [rootToken, ...more] };
}

function keep(folder: string | undefined, secrets: DevSecrets): DevSecrets {
  if (folder === undefined) return secrets;
  const [first, ...more] = secrets.rootTokens;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    keepFile(join(folder, UNSEAL_KEY_FILE), `${secrets.unsealKey}\n`);
    // Before the first line changes: a token that is good stands in one of the two at any moment.
    if (more.length > 0) keepFile(join(folder, MORE_TOKENS_FILE), `${more.join('\n')}\n`);
    keepFile(join(folder, ROOT_TOKEN_FILE), `${first}\n`);
    if (more.length === 0) rmSync(join(folder, MORE_TOKENS_FILE), { force: true });
  } catch (error) {
    throw new Error(`unseal key and root token cannot be kept in ${folder}: ${systemReason(error)}`);
  }
  return secrets;
}

/** Whole or not at all, and on disk: without the unseal key the data is lost. */
function keepFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode: 0o600, flush: true });
  renameSync(fresh, path);
}
