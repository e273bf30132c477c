/**
 * Dev mode: a server that is initialised and unsealed when it is up, with `secret/` mounted and the root token you asked for.
 *
 * @module
 */
import assert from 'node:assert';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newMount, rootToken } from './founding.ts';
import type { Coffer } from './main.ts';
import { OWN_CLAIMS } from './model/actor.ts';
import type { NewToken } from './model/caller.ts';
import { addMount } from './pipeline/mount-table.ts';

export interface DevSecrets {
  /** Base64. */
  readonly unsealKey: string;
  readonly rootToken: string;
}

export interface DevOptions {
  /** Where `-dev-data` keeps unseal key and root token; undefined: nowhere. */
  readonly folder: string | undefined;
  readonly rootTokenId: string | undefined;
  readonly kvVersion: '1' | '2';
}

/** Initialises a new store, or unseals the kept one, and makes the asked-for root token. */
export async function openDevMode(coffer: Coffer, options: DevOptions): Promise<DevSecrets> {
  const kept = options.folder === undefined ? undefined : readSecrets(options.folder);
  if (await coffer.seal.initialized()) {
    if (!kept) throw new Error(`${options.folder} holds data, but no unseal key: was it made by dev mode?`);
    await coffer.lifecycle.unseal(Buffer.from(kept.unsealKey, 'base64'));
    const token = await ensureRootToken(coffer, options.rootTokenId, kept.rootToken, false);
    return keep(options.folder, { unsealKey: kept.unsealKey, rootToken: token });
  }
  let made: DevSecrets | undefined;
  // All of it before the store counts as initialised: a start that is killed on the way locks no folder, and the next begins anew.
  await coffer.lifecycle.init({ shares: 1, threshold: 1 }, async ({ keys, rootToken: first }) => {
    const secret = newMount({
      path: 'secret/',
      type: 'kv',
      description: 'key/value secret storage',
      options: { version: options.kvVersion },
    });
    await coffer.catalog.change(addMount, secret);
    const token = await ensureRootToken(coffer, options.rootTokenId, first, true);
    made = keep(options.folder, { unsealKey: Buffer.from(keys[0]!).toString('base64'), rootToken: token });
  });
  assert(made);
  await coffer.lifecycle.unseal(Buffer.from(made.unsealKey, 'base64'));
  return made;
}

/** Makes `wanted` a root token. A new store's own one then goes; a kept store's stays, since somebody may use it. */
async function ensureRootToken(
  coffer: Coffer,
  wanted: string | undefined,
  current: string,
  replace: boolean,
): Promise<string> {
  const { tokens } = coffer;
  if (wanted === undefined || wanted === current) return current;
  const there = await tokens.authenticate(wanted, { takeUse: false });
  if (!there) await tokens.create(devToken(), wanted, { claims: OWN_CLAIMS, namespace: 'root' });
  if (replace) await tokens.revoke(tokens.accessorOf(current), 'tree');
  return wanted;
}

/** As one that `token create` makes. */
function devToken(): NewToken {
  return { ...rootToken(), displayName: 'token', path: 'auth/token/create' };
}

const UNSEAL_KEY_FILE = 'unseal-key';
const ROOT_TOKEN_FILE = 'root-token';

function readSecrets(folder: string): DevSecrets | undefined {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8').trim();
  try {
    return { unsealKey: read(UNSEAL_KEY_FILE), rootToken: read(ROOT_TOKEN_FILE) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function keep(folder: string | undefined, secrets: DevSecrets): DevSecrets {
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    keepFile(join(folder, UNSEAL_KEY_FILE), `${secrets.unsealKey}\n`);
    keepFile(join(folder, ROOT_TOKEN_FILE), `${secrets.rootToken}\n`);
  }
  return secrets;
}

/** Whole or not at all, and on disk: without the unseal key the data is lost. */
function keepFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, text, { mode: 0o600, flush: true });
  renameSync(fresh, path);
}
