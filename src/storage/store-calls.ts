/**
 * Calls to a store behind the network, whatever they are made with: several endpoints, a deadline for each call. What fails says whether the
 * store may have done it: that is all a writer needs to know.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import { STORAGE_WAITING_MAX, STORE_CALL_MS, STORE_STALL_MS } from '../model/limits.ts';

/**
 * `not_sent`: the store never saw it. `refused`: it answered, and did nothing. `unknown`: it may have done it, or may yet.
 */
export type FailureKind = 'not_sent' | 'refused' | 'unknown';

/** Why a call got no good answer. The message names the endpoint; it holds nothing of what was sent. */
export class CallFailed extends Error {
  readonly kind: FailureKind;
  /** HTTP's, where there was an answer. */
  readonly status: number | undefined;
  /** Somebody else might answer it: another endpoint, or this one after its start or election. */
  readonly passing: boolean;
  constructor(
    kind: FailureKind,
    message: string,
    detail: { status?: number; passing?: boolean; cause?: unknown } = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'CallFailed';
    this.kind = kind;
    this.status = detail.status;
    this.passing = detail.passing ?? kind !== 'refused';
  }
}

/** PEM texts. Without `ca` the system's authorities count. */
export interface StoreTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** For endpoints whose certificate bears another name than their address. */
  readonly serverName?: string;
}

export interface StoreCallsOptions {
  /** `http://host:port` or `https://…`; asked in this order, beginning with the one that answered last. */
  readonly endpoints: readonly string[];
  readonly tls?: StoreTls;
  readonly clock: Clock;
  /** Of a call that names no deadline of its own; STORE_CALL_MS where absent. */
  readonly callMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** For the whole call, all endpoints together, in ms. */
  readonly deadlineMs?: number;
  /** It may be sent again though it may have been done. Reads are; the clients set it for those. */
  readonly repeatable?: boolean;
}

export interface Failover {
  /**
   * Runs `attempt` at one endpoint after the other, beginning with the one that answered last: on when the endpoint did not get it, or when it
   * failed in passing and may be repeated.
   * @throws CallFailed; CodedError `overloaded` beyond STORAGE_WAITING_MAX calls at once; the signal's reason when it is aborted and the
   * call was not sent or is repeatable.
   */
  run<T>(call: CallOptions, attempt: (endpoint: number, ms: number) => Promise<T>): Promise<T>;
  /** Calls that are under way. */
  running(): number;
}

export function makeFailover(options: StoreCallsOptions): Failover {
  const { clock, endpoints } = options;
  let current = 0;
  let running = 0;

  async function rounds<T>(call: CallOptions, attempt: (at: number, ms: number) => Promise<T>): Promise<T> {
    const until = clock.monotonicMs() + (call.deadlineMs ?? options.callMs ?? STORE_CALL_MS);
    // One endpoint is asked twice: a kept connection may be one that the store has closed meanwhile.
    for (let left = Math.max(2, endpoints.length); ; left--) {
      call.signal?.throwIfAborted();
      const endpoint = current;
      const remaining = until - clock.monotonicMs();
      // A silent endpoint must leave time for the others; for what cannot be sent twice it has all there is.
      const share = call.repeatable ? remaining / left : remaining;
      try {
        return await attempt(endpoint, Math.max(share, 1));
      } catch (error) {
        if (!(error instanceof CallFailed) || !error.passing) throw error;
        if (current === endpoint) current = (endpoint + 1) % endpoints.length;
        const again = error.kind !== 'unknown' || call.repeatable === true;
        if (!again || left <= 1 || clock.monotonicMs() >= until) throw error;
      }
    }
  }

  return {
    async run(call, attempt) {
      if (running >= STORAGE_WAITING_MAX) throw new CodedError('overloaded');
      running++;
      try {
        return await rounds(call, attempt);
      } finally {
        running--;
      }
    },
    running: () => running,
  };
}

/**
 * Runs `expire` when `ms` are over. After a stall of this process it waits a moment more: the answer may lie in the socket, and timers
 * come before what sockets hold.
 */
export function deadline(clock: Clock, ms: number, expire: () => void): { clear(): void } {
  const due = clock.monotonicMs() + ms;
  let timer = clock.after(() => {
    if (clock.monotonicMs() - due < STORE_STALL_MS) expire();
    else timer = clock.after(expire, STORE_STALL_MS);
  }, ms);
  return { clear: () => timer.clear() };
}

/** @throws CodedError `bad_request` for what is no http:// or https:// address, and for none at all. */
export function endpointUrls(endpoints: readonly string[]): URL[] {
  if (endpoints.length === 0) throw new CodedError('bad_request', 'a store needs at least one address');
  return endpoints.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
    throw new CodedError('bad_request', `the store's address ${text} is no http:// or https:// address`);
  });
}

/** For `tls.connect` and what is built on it. */
export function tlsOptions(tls: StoreTls | undefined): object {
  const { serverName: servername, ...rest } = tls ?? {};
  return { ...rest, ...(servername === undefined ? {} : { servername }), minVersion: 'TLSv1.2' };
}
