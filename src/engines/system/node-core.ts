/**
 * What the system engine asks of the node it runs on: facts, requests under way, log, profiles, the store itself. Built by `main.ts`.
 *
 * @module
 */
import type { Encodable } from '../../model/json.ts';
import type { LogFormat, LogLevel, LogLevels } from '../../model/log.ts';
import type { ReplyStream } from '../../model/request.ts';

export interface InFlightRequest {
  readonly id: string;
  readonly receivedAtMs: number;
  /** Host and port. */
  readonly remote: string;
  /** With `/v1/`, without the query. */
  readonly path: string;
  readonly method: string;
  /** Says which requests are of one client; never the token or its accessor. */
  readonly clientId: string;
}

export interface NodeFacts {
  /** As in seal-status: `file`, `inmem`. */
  readonly storageType: string;
  /** Known once unsealed. */
  cluster(): { readonly name: string; readonly id: string } | undefined;
  readonly apiAddress: string;
  readonly clusterAddress: string;
  /** ms for which this node has been cut off and answers reads all the same; undefined: it is not, or answers nothing. */
  readonly staleForMs?: () => number | undefined;
  /** Seconds. */
  readonly defaultLeaseTtl: number;
  readonly maxLeaseTtl: number;
  inFlight(): readonly InFlightRequest[];
  /** Prometheus' text format, with its content type; undefined where it is switched off. */
  metricsText(): Promise<{ contentType: string; body: string }> | undefined;
  /** Vault's summary: Timestamp, Gauges, Points, Counters, Samples. */
  metricsSummary(): Encodable | Promise<Encodable>;
  /** Its configuration as Vault shows it, without secrets. */
  readonly configuration: { readonly [key: string]: Encodable };
  /** Does `introspection_endpoint` ask for it? */
  readonly introspection?: boolean;
}

/** The store's records, decrypted, under plain names. What the seal rests on is refused, with `bad_request`. */
export interface RawStore {
  /** Undefined: there is none. */
  get(path: string): Promise<Uint8Array | undefined>;
  /** At most `limit` names under a prefix, which is '' or ends in `/`; folders end in `/`. Sorted. */
  list(prefix: string, limit: number): Promise<string[]>;
}

/** The log of this node. */
export interface NodeLogs {
  readonly levels: LogLevels;
  /** The body of a reply that shows it as it is written. @throws CodedError `overloaded` where too many look on. */
  monitor(options: {
    readonly level: LogLevel;
    readonly format: LogFormat;
    /** May its client still see this? Asked again and again. */
    stillGood(): Promise<boolean>;
  }): ReplyStream;
}

/** Of this process. Whole profiles are in the format of pprof. */
export interface NodeProfiles {
  /** Where the main thread spends its time. @throws as `memory`. */
  time(options: ProfileOptions): Promise<Uint8Array>;
  /**
   * Who allocates memory meanwhile: all of it, or what is still in use at the end.
   * @throws CodedError `overloaded` where another profile is being taken, `deadline` where nobody waits for it any more.
   */
  memory(kind: 'allocated' | 'in use', options: ProfileOptions): Promise<Uint8Array>;
  /** What the event loop waits for, by kind. */
  resources(): ReadonlyMap<string, number>;
  /** Threads of the process by name; undefined where the system does not say. */
  threads(): ReadonlyMap<string, number> | undefined;
  /** Counts as a profile, whose functions are the names. */
  counted(type: string, counts: ReadonlyMap<string, number>): Uint8Array;
  /** Sizes of the heap and its spaces, bytes. */
  heapSizes(): ReadonlyMap<string, number>;
  /** What is secret in it is left out. */
  commandLine(): readonly string[];
}

export interface ProfileOptions {
  readonly seconds: number;
  /** Nobody waits for it any more. */
  isOver(): boolean;
}
