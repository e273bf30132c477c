/**
 * From nodes that answer to a cluster that is initialised, unsealed and has something to try: over HTTP, as an operator would.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises';
import { DEMO_ANSWER_MS, DEMO_LOOK_MS, DEMO_SHARE_AFTER_MS, DEMO_UP_MS } from '../model/limits.ts';

export interface OpenedDemo {
  /** Base64. */
  readonly unsealKey: string;
  readonly rootToken: string;
}

/** Of `sys/health`. */
const UNINITIALIZED = 501;
const SEALED = 503;
const ACTIVE = 200;

/**
 * Initialises the cluster through its first node, unseals it there, and waits until every node is open: its peers unseal the others.
 * @param addresses - of the nodes' APIs; their servers are being started.
 * @param rootTokenId - the root token to make; a drawn one where undefined.
 * @param signal - aborted where there is no hope, with the reason.
 * @throws Error with one sentence.
 */
export async function openDemo(
  addresses: readonly string[],
  rootTokenId: string | undefined,
  signal: AbortSignal,
): Promise<OpenedDemo> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(DEMO_UP_MS)]);
  const first = addresses[0]!;
  await untilHealth(first, [UNINITIALIZED], until);
  const made = await ask(first, 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '', until);
  const [unsealKey] = made.keys_base64 as [string];
  const firstToken = made.root_token as string;
  await ask(first, 'sys/unseal', { key: unsealKey }, '', until);
  await untilHealth(first, [ACTIVE], until);
  const [rootToken] = await Promise.all([
    rootTokenOf(first, rootTokenId, firstToken, until),
    ...addresses.slice(1).map((address) => untilOpen(address, unsealKey, until)),
  ]);
  return { unsealKey, rootToken };
}

/** Mounts `secret/`, and replaces the first root token where another was asked for. */
async function rootTokenOf(
  address: string,
  wanted: string | undefined,
  current: string,
  signal: AbortSignal,
): Promise<string> {
  const mount = { type: 'kv', description: 'key/value secret storage', options: { version: '2' } };
  await ask(address, 'sys/mounts/secret', mount, current, signal);
  if (wanted === undefined || wanted === current) return current;
  const token = { id: wanted, no_parent: true, policies: ['root'], display_name: 'root' };
  await ask(address, 'auth/token/create', token, current, signal);
  await ask(address, 'auth/token/revoke-self', {}, current, signal);
  return wanted;
}

/** A node that its peers have not unsealed after a while is given the share. */
async function untilOpen(address: string, unsealKey: string, signal: AbortSignal): Promise<void> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(DEMO_SHARE_AFTER_MS)]);
  try {
    await untilHealth(address, [ACTIVE], patience);
  } catch (error) {
    if (signal.aborted) throw error;
    if ((await healthOf(address)) === SEALED) {
      await ask(address, 'sys/unseal', { key: unsealKey }, '', signal);
    }
    await untilHealth(address, [ACTIVE], signal);
  }
}

async function untilHealth(address: string, wanted: readonly number[], signal: AbortSignal): Promise<void> {
  for (;;) {
    const status = await healthOf(address);
    if (status !== undefined && wanted.includes(status)) return;
    if (!signal.aborted) await wait(DEMO_LOOK_MS);
    else if (signal.reason instanceof Error && signal.reason.name !== 'TimeoutError') throw signal.reason;
    else throw new Error(`${address} is not up in time (${status ?? 'no answer'} from sys/health)`);
  }
}

/** Undefined: no answer. */
async function healthOf(address: string): Promise<number | undefined> {
  try {
    const reply = await fetch(`${address}/v1/sys/health`, { signal: AbortSignal.timeout(DEMO_ANSWER_MS) });
    await reply.arrayBuffer();
    return reply.status;
  } catch {
    return undefined;
  }
}

/** A write, tried again while the node says that it cannot now. Each of ours may be done twice but `sys/init`, which then fails. */
async function ask(
  address: string,
  path: string,
  body: object,
  token: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  for (;;) {
    const reply = await fetch(`${address}/v1/${path}`, {
      method: 'PUT',
      headers: { 'X-Vault-Request': 'true', ...(token === '' ? {} : { 'X-Vault-Token': token }) },
      body: JSON.stringify(body),
      signal,
    });
    const text = await reply.text();
    if (reply.ok) return text === '' ? {} : JSON.parse(text);
    if (reply.status !== SEALED || signal.aborted) {
      throw new Error(`${address} answered ${path} with ${reply.status}: ${text.trim()}`);
    }
    await wait(DEMO_LOOK_MS);
  }
}
