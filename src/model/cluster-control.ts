/**
 * What an operator may ask of the cluster and have it do. The system engine and the metrics see no more of it than this; `cluster/control.ts`
 * makes it.
 *
 * @module
 */
import type { ActorId } from './actor.ts';
import type { PeerId } from './transport.ts';

/**
 * How a node stands, as another one sees it. `serving`: a member in time. `held`: a member that does not answer for now, since its deadline
 * has passed. `silent`: it has not been heard for a while, and is evicted unless it comes back.
 */
export type Standing = 'serving' | 'held' | 'joining' | 'leaving' | 'sealed' | 'silent';

/** What a node says of itself when asked. */
export interface NodeReport {
  readonly standing: Standing;
  /** Of the view it goes by; 0: none. */
  readonly epoch: number;
  /** Sequence number by section of the catalog, as applied there. */
  readonly catalog: Readonly<Record<string, number>>;
  /** Shards it has claimed. */
  readonly shardsHeld: number;
  /** Actors in its memory. */
  readonly actors: number;
  /** Replicas it holds of others' actors, and grants it has given on its own. */
  readonly replicasHeld: number;
  readonly grantsGiven: number;
  /** ms since its process began to be part of the cluster. */
  readonly uptimeMs: number;
}

export interface ClusterNode {
  readonly nodeId: string;
  /** One life of it. */
  readonly inc: string;
  readonly peer: PeerId;
  readonly apiAddress: string;
  readonly clusterAddress: string;
  readonly standing: Standing;
  /** It stands in the view. */
  readonly isMember: boolean;
  /** It has no keys in memory. */
  readonly isSealed: boolean;
  /** Shards that the view gives it. */
  readonly shards: number;
  readonly weight: number;
  readonly zone: string;
  readonly release: string;
  readonly speaks: readonly [number, number];
  /** It is this node, or there is a link to it. */
  readonly isLinked: boolean;
  /** ms for which its record has stood still. */
  readonly silentMs: number;
  /** Changes of the catalog that it has yet to apply, of those this node has applied; undefined: it does not say. */
  readonly lag: number | undefined;
  /** Undefined: it was not asked, or did not answer in time. */
  readonly report: NodeReport | undefined;
}

export interface PendingView {
  readonly number: number;
  /** Node ids. */
  readonly members: readonly string[];
  /** Those of old and new members that have yet to acknowledge it. */
  readonly waitingFor: readonly string[];
}

export interface ClusterStatus {
  /** Node id of who answers. */
  readonly self: string;
  /** 0: there is no view. */
  readonly epoch: number;
  readonly protocol: number;
  /** Shards there are. */
  readonly shards: number;
  readonly isSealed: boolean;
  /** Node id of who acts as keeper, as far as can be seen. */
  readonly keeper: string | undefined;
  readonly pending: PendingView | undefined;
  /** By node id. */
  readonly nodes: readonly ClusterNode[];
}

/** Where an actor is. */
export interface Whereabouts {
  readonly actor: string;
  readonly shard: number;
  readonly epoch: number;
  /** Node id; undefined: there is no view. */
  readonly owner: string | undefined;
  /** The owner has claimed the shard, and has the actor in memory; undefined: it did not answer. */
  readonly isClaimed: boolean | undefined;
  readonly isActive: boolean | undefined;
  /** Node ids of those that hold a replica now. */
  readonly replicas: readonly string[];
}

/** A step on a request's way. */
export interface TraceStep {
  /** Node id. */
  readonly node: string;
  readonly what: string;
  /** ms after the request came in, by the clock of the node where it did. */
  readonly atMs: number;
  /** ms it took; undefined: it is an instant. */
  readonly tookMs: number | undefined;
}

/** What one node found when it compared what it remembers with what is stored. */
export interface NodeFindings {
  readonly node: string;
  /** Sequence number and SHA-256 of each section as applied there; undefined: it did not answer. */
  readonly sections: Readonly<Record<string, SectionDigest>> | undefined;
  /** Fences that it compared with the store. */
  readonly fences: number;
  /** Each in one sentence; none: all is well there. */
  readonly faults: readonly string[];
}

export interface SectionDigest {
  readonly seq: number;
  /** Hex. */
  readonly digest: string;
}

export interface Verification {
  readonly isGood: boolean;
  /** As it lies in the store. */
  readonly stored: Readonly<Record<string, SectionDigest>>;
  readonly nodes: readonly NodeFindings[];
  /** What was found by comparing the nodes with each other and with the store. */
  readonly faults: readonly string[];
}

/** An identity that wants to be let in, or was barred. */
export interface Identity {
  readonly peer: PeerId;
  /** As it calls itself; '' where it has not said. */
  readonly nodeId: string;
  /** Wall clock of who wrote it down, ms. */
  readonly atMs: number;
}

export interface Admitted {
  /** An operator has to admit each new identity (`cluster { approve = true }`). */
  readonly isApprovalNeeded: boolean;
  readonly approved: readonly Identity[];
  readonly barred: readonly Identity[];
  /** Those that wait for an operator. */
  readonly applicants: readonly Identity[];
}

export interface ClusterControl {
  readonly nodeId: string;
  /** How this node itself stands, in this turn. */
  standing(): Standing;
  /** Since when it has been a member without a break, wall clock ms; undefined: it is none. */
  memberSinceMs(): number | undefined;
  /** As this node sees it. With `ask`, each node is asked for its report; one that does not answer in time has none. */
  status(options?: { ask?: boolean }): Promise<ClusterStatus>;
  /** `status` without reports, from memory. */
  glance(): ClusterStatus;
  whereis(id: ActorId): Promise<Whereabouts>;
  /** What is known of the way that a read of this actor takes from here; then one goes it, which reads nothing and changes nothing. */
  trace(id: ActorId): Promise<readonly TraceStep[]>;
  /**
   * Has a node give away what it owns, leave the view and serve no more, until it is started again. Resolves once it has begun.
   * @param node - node id. @throws CodedError `bad_request` where there is no such node, or it cannot be reached.
   */
  drain(node: string): Promise<void>;
  /**
   * Bars an identity for good and has its node evicted. Resolves when it is no member and each member has dropped its link to it.
   * @param node - node id or peer id. @throws CodedError `bad_request` where it is this node.
   */
  remove(node: string): Promise<Identity>;
  /** @param peer - whole peer id, as the new node's log shows it. */
  approve(peer: PeerId): Promise<void>;
  admitted(): Promise<Admitted>;
  /** Puts a new secret into the secret file of each member, and takes the old ones out. @returns node ids of those that have it. */
  rotateSecret(): Promise<readonly string[]>;
  /** @param accept - what is stored is right though it is older: a backup was put back on purpose. */
  verify(options?: { accept?: boolean }): Promise<Verification>;
}
