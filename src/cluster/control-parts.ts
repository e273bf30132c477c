/**
 * What the operator's hand on the cluster (`control.ts`) takes of the other parts of a node.
 *
 * @module
 */
import type { ActorId } from '../model/actor.ts';
import type { Clock } from '../model/clock.ts';
import type { Coordinator } from '../model/coordinator.ts';
import type { Log } from '../model/log.ts';
import type { Storage } from '../model/storage.ts';
import type { Admissions } from './admissions.ts';
import type { AppliedSection, Catalog, SectionName } from './catalog.ts';
import type { Grants } from './grants/grants-interface.ts';
import type { MemberRecord } from './member-record.ts';
import type { Membership } from './membership.ts';
import type { Post } from './post.ts';
import type { Shards } from './shards.ts';
import type { StoreHead } from './store-head.ts';

export type HeldSection = Pick<AppliedSection, 'seq' | 'entries'>;

export interface ControlParts {
  readonly nodeId: string;
  readonly clock: Clock;
  readonly coordinator: Coordinator;
  readonly log: Log;
  readonly post: Pick<Post, 'transport' | 'request' | 'onRequest'>;
  readonly admissions: Admissions;
  membership(): Pick<
    Membership,
    'inc' | 'view' | 'members' | 'isBeating' | 'silenceMs' | 'isInTime' | 'publish'
  >;
  readonly shards: Pick<Shards, 'held' | 'isHeld' | 'fence'>;
  readonly grants: Pick<Grants, 'counts' | 'peek'>;
  readonly catalog: Pick<Catalog, 'sequences'> & { applied(section: SectionName): HeldSection };
  /** A section as it lies in the store. */
  readStored(section: SectionName): Promise<HeldSection>;
  /** Sealed, as the fences are written to. */
  readonly storage: Pick<Storage, 'get'>;
  /** Absent: nothing is remembered beyond this process. */
  readonly head?: StoreHead;
  /** Sends a read that reads nothing to the actor, by the way of all reads. Node id of where it ran. */
  touch(id: ActorId): Promise<string>;
  /** Actors in memory, and whether one is. */
  activeCount(): number;
  isActive(key: string): boolean;
  /** The keys are not in memory, or the node is not to serve. */
  isSealed(): boolean;
  /** It has begun to leave, by whatever way. */
  isDraining(): boolean;
  /** Gives away what it owns, leaves the view, closes its door. Resolves once done. */
  drain(): Promise<void>;
  /** File that holds the cluster's secrets; undefined: there is none. */
  readonly secretFile: string | undefined;
  /** The file has changed: it is read again, and links that it does not cover end. */
  secretsChanged(): void;
  randomBytes(bytes: number): Uint8Array;
}

export type Records = ReadonlyMap<string, MemberRecord>;
