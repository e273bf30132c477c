/**
 * The official client's behaviour on top of single exchanges: headers, retries, one redirect, errors in Vault's form.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { CLI_RETRY_WAIT_MAX_MS, CLI_RETRY_WAIT_MIN_MS } from '../model/limits.ts';
import { RequestDescribed } from './failure.ts';
import { encodeQuery, escapePath, joinPath, parseAddress, type ServerAddress } from './request-url.ts';
import { ResponseError } from './response-error.ts';
import { type Exchange, exchange, openExchange, type Reply, readAll, type TlsSettings } from './transport.ts';

/** Whether requests are sent, or only described (`-output-curl-string`, `-output-policy`). */
export type Describe = 'send' | 'curl' | 'policy';

export interface ClientSettings {
  /** `coffer` or `vault`: what a curl command calls to get the token. */
  program: string;
  address: ServerAddress;
  token: string;
  /** With a slash at its end, or empty for the root namespace. */
  namespace: string;
  mfa: readonly string[];
  headers: ReadonlyMap<string, string>;
  policyOverride: boolean;
  /** Go's form of a duration, or empty: answers are not wrapped. */
  wrapTtl: string;
  timeoutMs: number;
  retriesMax: number;
  followRedirect: boolean;
  describe: Describe;
  /** What a curl command needs of the TLS flags. */
  tlsFiles: { caCert: string; caPath: string; clientCert: string; clientKey: string; skipVerify: boolean };
  tls: TlsSettings;
  findProxy(address: ServerAddress): Promise<URL | undefined>;
}

export interface Call {
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/v1/`, unescaped. */
  path: string;
  query?: ReadonlyMap<string, readonly string[]>;
  /** JSON text. */
  body?: string;
  contentType?: string;
  /** False: this answer is never wrapped. */
  wrap?: boolean;
  /** False: sent even where requests are only described; look-ups that a description depends on. */
  describe?: boolean;
}

export class Client {
  readonly settings: ClientSettings;

  constructor(settings: ClientSettings) {
    this.settings = settings;
  }

  get token(): string {
    return this.settings.token;
  }

  /** The same client with some settings changed. */
  with(changes: Partial<ClientSettings>): Client {
    return new Client({ ...this.settings, ...changes });
  }

  /**
   * Sends `call`.
   * @throws ResponseError for a status of 400 and more; Error where no answer came; RequestDescribed instead of sending.
   */
  async request(call: Call): Promise<Reply> {
    const { settings } = this;
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(settings.token)) {
      throw new Error('configured Vault token contains non-printable characters and cannot be used');
    }
    let address = settings.address;
    let target = this.#target(call);
    if (settings.describe !== 'send' && call.describe !== false) throw await this.#describe(call, target);
    for (let redirects = 0; ; redirects++) {
      const url = `${address.scheme}://${address.host}${target}`;
      const reply = await this.#retrying(call, address, target, url);
      const location = reply.headers.location;
      const moved = reply.status === 301 || reply.status === 302 || reply.status === 307;
      if (!moved || redirects > 0 || !settings.followRedirect || location === undefined) {
        return checked(call, url, reply);
      }
      const next = new URL(location, url);
      const from = address.scheme;
      address = parseAddress(next.origin);
      if (from === 'https' && address.scheme !== 'https')
        throw new Error('redirect would cause protocol downgrade');
      target = next.pathname + next.search;
    }
  }

  /**
   * As `request`, with the body as it comes, until `end` is aborted. Tried once, and no redirect is followed.
   * @throws as `request`.
   */
  async stream(call: Call, end: AbortSignal): Promise<IncomingMessage> {
    const { settings } = this;
    const { address } = settings;
    const target = this.#target(call);
    if (settings.describe !== 'send') throw await this.#describe(call, target);
    const url = `${address.scheme}://${address.host}${target}`;
    const reply = await openExchange(await this.#exchangeOf(call, address, target, url), end);
    if (reply.status < 400) return reply.body;
    throw new ResponseError(call.method, url, { ...reply, body: await readAll(reply.body) });
  }

  #target(call: Call): string {
    const path = escapePath(joinPath(this.settings.address.basePath, '/v1/', call.path));
    const query = call.query && call.query.size > 0 ? `?${encodeQuery(call.query)}` : '';
    return path + query;
  }

  async #describe(call: Call, target: string): Promise<RequestDescribed> {
    const { describeAsCurl, describeAsPolicy } = await import('./describe.ts');
    if (this.settings.describe === 'policy') return new RequestDescribed(describeAsPolicy(call));
    const { address } = this.settings;
    const url = `${address.scheme}://${address.host}${target}`;
    return new RequestDescribed(describeAsCurl(call, url, this.#headers(call), this.settings));
  }

  #headers(call: Call): Map<string, string | string[]> {
    const { settings } = this;
    const headers = new Map<string, string | string[]>([['X-Vault-Request', 'true']]);
    if (settings.token) headers.set('X-Vault-Token', settings.token);
    if (settings.namespace) headers.set('X-Vault-Namespace', settings.namespace);
    if (settings.mfa.length > 0) headers.set('X-Vault-Mfa', [...settings.mfa]);
    if (settings.policyOverride) headers.set('X-Vault-Policy-Override', 'true');
    // `sys/wrapping/wrap` is the one path whose answer is wrapped without being asked for.
    const asked =
      settings.wrapTtl || (call.method !== 'GET' && call.path === 'sys/wrapping/wrap' ? '5m' : '');
    if (asked && call.wrap !== false) headers.set('X-Vault-Wrap-Ttl', asked);
    if (call.contentType) headers.set('Content-Type', call.contentType);
    for (const [name, value] of settings.headers) headers.set(name, value);
    return headers;
  }

  async #exchangeOf(call: Call, address: ServerAddress, target: string, url: string): Promise<Exchange> {
    const { timeoutMs, tls, findProxy } = this.settings;
    const proxy = await findProxy(address);
    return {
      method: call.method,
      address,
      target,
      url,
      headers: this.#headers(call),
      body: call.body,
      timeoutMs,
      tls,
      proxy,
    };
  }

  async #retrying(call: Call, address: ServerAddress, target: string, url: string): Promise<Reply> {
    const { settings } = this;
    const request = await this.#exchangeOf(call, address, target, url);
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= settings.retriesMax;
      let reply: Reply | undefined;
      try {
        reply = await exchange(request);
        if (last || !isWorthRetrying(reply.status)) return reply;
      } catch (error) {
        if (last) throw error;
      }
      await wait(retryAfter(reply) ?? backoff(attempt));
    }
  }
}

/** 412: the node has not seen yet what the client has. 501 will not change. */
function isWorthRetrying(status: number): boolean {
  return status === 412 || status === 429 || status === 0 || (status >= 500 && status !== 501);
}

/** What the server asked for, where it did: milliseconds. */
function retryAfter(reply: Reply | undefined): number | undefined {
  if (reply?.status !== 429 && reply?.status !== 503) return undefined;
  const text = reply.headers['retry-after'];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) * 1000 : undefined;
}

/** Grows with each attempt, and differs between clients that failed together. */
function backoff(attempt: number): number {
  const spread = CLI_RETRY_WAIT_MAX_MS - CLI_RETRY_WAIT_MIN_MS;
  return (CLI_RETRY_WAIT_MIN_MS + Math.random() * spread) * (attempt + 1);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function checked(call: Call, url: string, reply: Reply): Reply {
  const healthOfStandby = reply.status === 429 && call.path === 'sys/health';
  if ((reply.status >= 200 && reply.status < 400) || healthOfStandby) return reply;
  throw new ResponseError(call.method, url, reply);
}
