/**
 * What the system engine needs of the rest of the program. Built by `system-core.ts`; only nouns of `model/` pass through it.
 *
 * Changes take the claims of the request, and each operation makes at most one change: it is then done or refused as a whole.
 *
 * @module
 */
import type { ActorId, Claims, SendOptions } from '../../model/actor.ts';
import type { Caller, TokenState } from '../../model/caller.ts';
import type { ClusterControl } from '../../model/cluster-control.ts';
import type { Engine } from '../../model/engine.ts';
import type { AccessAsked, AccessExplained } from '../../model/explanation.ts';
import type { Encodable } from '../../model/json.ts';
import type { KvFound, KvSearch, KvSearchContext } from '../../model/kv-search.ts';
import type { Mount, Move } from '../../model/mount.ts';
import type { Namespace } from '../../model/namespace.ts';
import type { QuotaScope } from '../../model/quotas.ts';
import type { Request } from '../../model/request.ts';
import type { WrapInfo, WrappedFacts, WrappedReply } from '../../model/wrapping.ts';
import type { AuditChainControl, AuditControl } from './audit-core.ts';
import type { NodeFacts, NodeLogs, NodeProfiles, RawStore } from './node-core.ts';
import type { SealAttempts, SealControl } from './seal-core.ts';

export interface SystemCore {
  readonly seal: SealControl;
  readonly attempts: SealAttempts;
  /** Those of a namespace, by its id. */
  mounts(namespaceId: string): MountControl;
  readonly namespaces: NamespaceControl;
  readonly types: MountTypes;
  /** Those of a namespace, by its id. */
  policies(namespaceId: string): PolicyStore;
  readonly access: AccessLookup;
  readonly audit: AuditControl;
  readonly auditChains: AuditChainControl;
  readonly wrapping: WrappingControl;
  readonly settings: SettingsControl;
  readonly leases: LeaseControl;
  /** What was taken away and is still being removed, as all members know it. */
  removals(): Promise<{
    readonly mounts: readonly (Removal & { readonly type: string })[];
    readonly namespaces: readonly Removal[];
  }>;
  /** How many leases a lease-count quota holds now; undefined: there is none of this name. */
  countLeases(quota: string): Promise<number | undefined>;
  /** Who guessed too often, by mount; absent where no auth method counts it. */
  readonly lockouts?: {
    /** Names as the method spells them, unsorted. */
    locked(mount: Mount): Promise<string[]>;
    unlock(mount: Mount, name: string, options: SendOptions): Promise<void>;
  };
  readonly node: NodeFacts;
  readonly logs: NodeLogs;
  readonly profiles: NodeProfiles;
  /** Absent: `raw_storage_endpoint` does not ask for it. */
  readonly raw?: RawStore;
  /** Absent: this server runs alone. */
  readonly cluster?: ClusterControl;
  /** Where a path from the root namespace leads: in which namespace, to which mount; no mount: to the namespace itself. Undefined: to nothing. */
  placeOf(path: string): { readonly namespace: Namespace; readonly mount: Mount | undefined } | undefined;
  /** The quotas of a kind as all members have them, with the paths that they have now. @param prefix - of the kind. */
  quotas(prefix: string): Promise<ReadonlyMap<string, QuotaScope>>;
  /** Whose state an API path reads or changes. @throws CodedError `bad_request` where it is that of no one actor. */
  actorAt(path: string, caller: Caller | undefined): ActorId;
  /** Looks for secrets in a KV mount. @throws CodedError `overloaded`; `permission_denied` where its folder may not be listed. */
  searchKv(search: KvSearch, context: KvSearchContext): Promise<KvFound>;
}

export interface Removal {
  readonly id: string;
  /** From the root namespace; '' where it is not known. */
  readonly path: string;
  /** Wall clock, ms; undefined where it is not known. */
  readonly sinceMs: number | undefined;
  /** Records, or tokens of a namespace, that are gone, as was last noted. */
  readonly removed: number;
}

export interface NamespaceControl {
  /** One level below, sorted by path, as all members have them. */
  children(above: Namespace): Promise<readonly Namespace[]>;
  /** At any depth, sorted by path, as all members have them. */
  below(above: Namespace): Promise<readonly Namespace[]>;
  /** As all members have it. @param path - from the root namespace, ending in `/`. */
  current(path: string): Promise<Namespace | undefined>;
  /** The namespace that the first segments of `path` name below `base`, as deep as it goes. */
  descend(base: Namespace, path: string): Namespace;
  /** @throws CodedError `bad_request` where a mount is in its way. */
  add(
    added: { namespace: Namespace; parent: string; mounts: readonly Mount[] },
    claims: Claims,
  ): Promise<void>;
  /** @throws CodedError where it is not as it was when `next` was made of it. */
  tune(change: { id: string; from: Namespace; next: Namespace }, claims: Claims): Promise<void>;
  /** With all that is in it; its data goes in the background. @throws CodedError where there are others below it. */
  remove(id: string, claims: Claims): Promise<void>;
}

/** `all`, `at` and `find` say what is enforced here; they may be ahead of other members. */
export interface MountControl {
  /** Sorted by API path, as all members have it: what the API shows. */
  current(): Promise<readonly Mount[]>;
  /** Sorted by API path. */
  all(): readonly Mount[];
  /** By API path, ending in `/`. */
  at(apiPath: string): Mount | undefined;
  /** The mount that serves a path. */
  find(path: string): Mount | undefined;
  /** @throws CodedError `bad_request` where the path is in use. */
  enable(mount: Mount, claims: Claims): Promise<void>;
  tune(change: Pick<Mount, 'uuid' | 'config' | 'options' | 'description'>, claims: Claims): Promise<void>;
  /** Gives a mount another path, in a namespace. @throws CodedError `bad_request` where that is in use. */
  move(change: { uuid: string; path: string; namespace: string; move: Move }, claims: Claims): Promise<void>;
  /** Its data goes in the background. */
  disable(uuid: string, claims: Claims): Promise<unknown>;
}

export interface MountTypes {
  /** What may be enabled, besides aliases. */
  readonly secret: readonly string[];
  readonly auth: readonly string[];
  engineOf(mount: Mount): Engine | undefined;
}

export interface PolicyStore {
  /** Sorted, as all members have them. Without `root` and `response-wrapping`. */
  names(): Promise<readonly string[]>;
  /** Its text as it was written, as all members have it; `default` and `response-wrapping` are among them. */
  text(name: string): Promise<string | undefined>;
  /** @throws CodedError `bad_request`, `failed to parse policy: …`. */
  put(name: string, text: string, claims: Claims): Promise<unknown>;
  remove(name: string, claims: Claims): Promise<unknown>;
}

export interface Lease {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly renewedAtMs: number | undefined;
  readonly renewable: boolean;
}

/** Leases of one namespace; those of others are none. */
export interface LeaseControl {
  find(id: string, namespaceId: string): Promise<Lease | undefined>;
  /** Of all leases below `prefix`, which is '' or ends in `/`, what follows it, unsorted. */
  below(prefix: string, namespaceId: string): Promise<readonly string[]>;
  /** None there is no mistake. */
  revoke(id: string, namespaceId: string, options: SendOptions): Promise<void>;
  /** @param prefix - ends in `/`. */
  revokeBelow(prefix: string, namespaceId: string, options: SendOptions): Promise<void>;
}

/** Settings of the whole cluster, by `kind` or `kind/name`. */
export interface SettingsControl {
  /** As it is in force here. */
  now(key: string): unknown;
  /** As all members have it. */
  current(key: string): Promise<unknown>;
  /** Of all keys that begin with `prefix`, what follows it, sorted. */
  names(prefix: string): Promise<readonly string[]>;
  /** As `names`, with what they say. */
  all(prefix: string): Promise<ReadonlyMap<string, unknown>>;
  /** @throws CodedError `bad_request` where key or value is too long. */
  put(key: string, value: unknown, claims: Claims): Promise<void>;
  /** Nothing there is no mistake. */
  remove(key: string, claims: Claims): Promise<void>;
}

/** What policies allow, put together. */
export interface Acl {
  /** Sorted; `root` alone for a root token, `deny` alone where nothing is granted. */
  capabilities(path: string): readonly string[];
  /** Can anything at `prefix`, which ends in `/`, or below it be done? */
  touches(prefix: string): boolean;
  /** As Vault's UI reads it. */
  resultant(): { readonly root: boolean; readonly exact_paths?: Encodable; readonly glob_paths?: Encodable };
  /** How a request would be decided, and by what. */
  explain(asked: AccessAsked): AccessExplained;
}

export interface AccessLookup {
  /** What a token may do that has this accessor and state, as seen from `from`: its paths are those of there. */
  aclOf(token: Pick<Caller, 'namespace' | 'state'>, from: Namespace): Acl;
  /** Would a request of the caller, without any fields, be let pass? @param from - the namespace that its path is of. */
  mayAsk(caller: Caller, from: Namespace): (verb: 'read' | 'list', path: string) => boolean;
  accessorOf(token: string): string;
  /** Is the namespace of this id below `above`? */
  isBelow(above: Namespace, id: string): boolean;
  /** Undefined where it is not a good token. Takes no use of it. */
  stateOf(accessor: string): Promise<TokenState | undefined>;
  /** All there are in a namespace, whatever they are good for. */
  countTokens(namespace: string): Promise<number>;
}

/** Tokens that wrap a reply; all answer undefined for one that is none, was opened, or is over. */
export interface WrappingControl {
  look(token: string, namespaceId: string): Promise<WrappedFacts | undefined>;
  /** @param token - '': the caller's own. */
  take(token: string, asker: WrappingAsker): Promise<WrappedReply | undefined>;
  /** As `take`. */
  rewrap(token: string, asker: WrappingAsker): Promise<WrapInfo | undefined>;
}

export interface WrappingAsker {
  /** Id of the namespace in which it is asked; other namespaces' tokens are none here. */
  readonly namespace: string;
  readonly claims: Claims;
  readonly caller: Caller;
  readonly request: Request;
}
