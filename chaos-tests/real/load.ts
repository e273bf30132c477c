/**
 * The load of the figures: clients that read, write and make tokens at a given rate, spread over the nodes, with the history of it all
 * for the checkers.
 *
 * @module
 */
import { call } from '../../test/support/http.ts';
import { type History, type HistoryEntry, makeHistory } from '../checkers/history.ts';
import type { KvInput, KvOutput } from '../checkers/versioned-kv.ts';
import type { Random } from '../sim/random.ts';
import { type Client, type Heard, makeClient } from './client.ts';

export interface LoadOptions {
  readonly addresses: readonly string[];
  /** May do everything; makes the others. */
  readonly rootToken: string;
  readonly random: Random;
  /** 24 where absent. */
  readonly clients?: number;
  /** Of all clients together, per second; 600 where absent. */
  readonly rate?: number;
  /** 500 where absent. */
  readonly keys?: number;
  /** 50 where absent. */
  readonly tokens?: number;
  /** Of each client of the load; `makeClient` where absent. */
  client?(): Client;
  /** Told of each request that is over. */
  over?(request: Request): void;
}

/** A request that is over. Instants are of the machine's monotonic clock, ms. */
export interface Request {
  readonly kind: 'read' | 'write' | 'create';
  readonly address: string;
  readonly key: string;
  readonly token: string;
  readonly sentMs: number;
  readonly endedMs: number;
  readonly heard: Heard;
}

export interface Load {
  readonly history: History<KvInput, KvOutput>;
  readonly requests: readonly Request[];
  readonly keys: readonly string[];
  readonly tokens: readonly string[];
  /** Of these tokens. */
  readonly accessors: ReadonlyMap<string, string>;
  /** Accessors of tokens whose creation was acknowledged. */
  readonly created: readonly string[];
  /** Resolves when all that was sent is answered. */
  stop(): Promise<void>;
}

const PREFIX = 'secret/data/chaos/';

/** Makes the tokens and the first versions, then begins. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const { addresses, rootToken, random, clients = 24, rate = 600, keys: keyCount = 500 } = options;
  const history = makeHistory<KvInput, KvOutput>();
  const requests: Request[] = [];
  const created: string[] = [];
  const keys = Array.from({ length: keyCount }, (_, n) => `k${n}`);
  const known = new Map<string, number>();
  const first = makeClient();
  const made = await Promise.all(
    Array.from({ length: options.tokens ?? 50 }, (_, n) =>
      makeToken(first, addresses[n % addresses.length]!, rootToken),
    ),
  );
  first.close();
  const tokens = made.map(({ client_token }) => client_token);
  const accessors = new Map(made.map(({ client_token, accessor }) => [client_token, accessor]));
  let isStopped = false;
  let values = 0;
  const running = Array.from({ length: clients }, (_, n) => run(n));

  function choose(key: string): { kind: Request['kind']; input?: KvInput } {
    const draw = random.float();
    if (draw < 1 / 2) return { kind: 'read', input: { op: 'get', version: 0 } };
    if (draw >= 5 / 6) return { kind: 'create' };
    const cas = random.chance(0.2) ? (known.get(key) ?? 0) : undefined;
    return { kind: 'write', input: { op: 'put', value: `v${++values}-${'x'.repeat(290)}`, cas } };
  }

  async function run(n: number): Promise<void> {
    const client = options.client?.() ?? makeClient();
    const everyMs = (1_000 * clients) / rate;
    let nextMs = performance.now() + (everyMs * n) / clients;
    for (let at = n; !isStopped; at++) {
      const waitMs = nextMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      nextMs = Math.max(nextMs + everyMs, performance.now() - everyMs);
      const key = random.pick(keys);
      const token = random.pick(tokens);
      const address = addresses[at % addresses.length]!;
      const { kind, input } = choose(key);
      await once(client, `c${n}`, { kind, input, key, token, address });
    }
    client.close();
  }

  async function once(
    client: Client,
    name: string,
    what: { kind: Request['kind']; input?: KvInput; key: string; token: string; address: string },
  ): Promise<void> {
    const { kind, input, key, token, address } = what;
    const sentMs = performance.now();
    const entry = input && history.call(name, key, input, sentMs);
    const heard = await client.ask(address, requestOf(kind, key, token, input));
    const endedMs = performance.now();
    if (entry) settle(history, entry, heard, endedMs);
    if (entry?.output?.kind === 'written') known.set(key, entry.output.version);
    if (kind === 'create' && heard.kind === 'reply' && heard.status === 200)
      created.push(heard.body.auth.accessor);
    const request = { kind, address, key, token, sentMs, endedMs, heard };
    requests.push(request);
    options.over?.(request);
  }

  return {
    history,
    requests,
    keys: keys.map((key) => PREFIX + key),
    tokens,
    accessors,
    created,
    async stop() {
      isStopped = true;
      await Promise.all(running);
    },
  };
}

export async function enableKv(address: string, token: string): Promise<void> {
  const body = { type: 'kv', options: { version: '2' } };
  const reply = await call(address, 'POST', '/v1/sys/mounts/secret', { token, body });
  if (reply.status !== 204) throw new Error(`no mount: ${reply.text}`);
}

async function makeToken(
  client: Client,
  address: string,
  rootToken: string,
): Promise<{ client_token: string; accessor: string }> {
  // Orphans: a token lives where its ancestors live, too.
  const body = { policies: ['root'], ttl: '10h', no_parent: true };
  const heard = await client.ask(address, {
    method: 'POST',
    path: 'auth/token/create',
    token: rootToken,
    body,
  });
  if (heard.kind !== 'reply' || heard.status !== 200) throw new Error(`no token: ${JSON.stringify(heard)}`);
  return heard.body.auth;
}

function requestOf(kind: Request['kind'], key: string, token: string, input: KvInput | undefined) {
  if (kind === 'create')
    return { method: 'POST', path: 'auth/token/create', token, body: { ttl: '1h', policies: ['default'] } };
  const path = PREFIX + key;
  if (input?.op !== 'put') return { method: 'GET', path, token };
  const options = input.cas === undefined ? {} : { options: { cas: input.cas } };
  return { method: 'POST', path, token, body: { data: { v: input.value }, ...options } };
}

function settle(
  history: History<KvInput, KvOutput>,
  entry: HistoryEntry<KvInput, KvOutput>,
  heard: Heard,
  nowMs: number,
): void {
  const output = outputOf(entry.input, heard);
  const isNone = heard.kind === 'broken' && heard.refused;
  history.back(entry, isNone ? 'none' : output ? 'ok' : 'unknown', output, nowMs);
}

/** What a reply says of the path; undefined: nothing that can be relied on. */
function outputOf(input: KvInput, heard: Heard): KvOutput | undefined {
  if (heard.kind === 'broken') return undefined;
  const { status, body } = heard;
  if (input.op === 'put') {
    if (status === 200) return { kind: 'written', version: body.data.version };
    if (status === 400 && String(body.errors).includes('did not match')) return { kind: 'mismatch' };
    return undefined;
  }
  if (status === 200) return { kind: 'value', version: body.data.metadata.version, value: body.data.data.v };
  return status === 404 ? { kind: 'nothing' } : undefined;
}
