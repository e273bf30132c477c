/**
 * What a node is made of, whether it is alone (`alone.ts`) or one of several (`member.ts`): both give the same to the rest of the program.
 *
 * @module
 */
import type { Catalog } from './cluster/catalog.ts';
import type { Lifecycle } from './cluster/opening-interface.ts';
import type { HttpServer } from './http/server.ts';
import type { ActorKind, AnyActorOperation, Cluster } from './model/actor.ts';
import type { Clock } from './model/clock.ts';
import type { ClusterControl } from './model/cluster-control.ts';
import type { Log } from './model/log.ts';
import type { Storage } from './model/storage.ts';
import type { ClusterFigures } from './observe/cluster-metrics.ts';
import type { Removed } from './pipeline/mount-sweeps.ts';
import type { Seal } from './seal/seal.ts';
import type { Step } from './shutdown.ts';

/** What a node is built from. Functions are asked once all is put together. */
export interface NodeParts {
  /** The store itself. */
  readonly storage: Storage;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly log: Log;
  /** Actor kinds besides the catalog's. */
  readonly kinds: readonly ActorKind<never>[];
  /** All that is sent to actors, besides what the catalog sends. */
  operations(): readonly AnyActorOperation[];
  /** Opens what hangs on the catalog, audit devices first; every step may be repeated. */
  open(): Promise<void>;
  /** The reverse of `open`. Must not fail. */
  close(): Promise<void>;
  /** Writes what a new store begins with. Returns the root token. */
  found(): Promise<string>;
  /** Removes what a namespace that is gone had besides its mounts. Safe to repeat. @throws the signal's reason when it fires first. */
  sweepNamespace(id: string, signal: AbortSignal, removed: Removed): Promise<void>;
  /** Ids of the requests of clients that run here. */
  requestsRunning(): readonly string[];
  /** Resolves when no request of that token, whose uses are limited, runs here. */
  whenUnused(accessor: string): Promise<void>;
  /** The listeners, once they listen. */
  servers(): readonly HttpServer[];
  fault(what: string, error: unknown): void;
}

export interface Node {
  readonly cluster: Cluster;
  readonly catalog: Catalog;
  readonly lifecycle: Lifecycle;
  /** Wall clock where it is alone, cluster time where it is not; ms. */
  now(): number;
  /** Resolves when no other node runs a request of that token, or can be asked. */
  unusedElsewhere(accessor: string): Promise<void>;
  /** Resolves when what it has of the catalog is what counts. @throws CodedError `unavailable`. Absent: it always is. */
  inTime?(): Promise<void>;
  /** ms for which what this node answers may be stale (`partition_reads`); undefined: it is not. */
  staleForMs?(): number | undefined;
  /** Absent: it is alone. */
  readonly control?: ClusterControl;
  /** Absent: it is alone. */
  readonly figures?: ClusterFigures;
  /** Takes part from now on. Before it `lifecycle` must not be used. */
  start(): Promise<void>;
  /** Takes leave of clients, so that they turn to other nodes, and closes the listeners. Absent: nobody takes over. */
  readonly farewell?: () => Promise<void>;
  /** What is to be done on the way down, after the listeners have closed. */
  readonly stopping: readonly Step[];
}
