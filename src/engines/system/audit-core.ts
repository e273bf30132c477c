/**
 * What the system engine asks of the audit devices, and of the chains of their lines. Built by `system-core.ts`.
 *
 * @module
 */
import type { Claims } from '../../model/actor.ts';
import type { ReplyStream } from '../../model/request.ts';

export interface AuditControl {
  /** Sorted by path, as all members have them. */
  devices(): Promise<readonly AuditDevice[]>;
  /** @throws CodedError `bad_request` where the type or an option is wrong, the path in use, or the device cannot be opened. */
  enable(device: AuditDevice, claims: Claims): Promise<unknown>;
  disable(path: string, claims: Claims): Promise<unknown>;
  /** `hmac-sha256:…` as the device at `path` writes it; undefined: there is no such device. */
  hash(path: string, input: string): string | undefined;
  /**
   * Lines of the own log of a device on this node, as they are found.
   * @throws CodedError `bad_request` where there is no such device, or several of which none is named; `overloaded`.
   */
  search(search: AuditLogAsked): Promise<ReplyStream>;
}

export interface AuditDevice {
  /** Ends in `/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly local: boolean;
}

export interface AuditLogAsked {
  /** Path of the device, ending in `/`; '' where only one writes a file. */
  readonly device: string;
  readonly filter: {
    readonly sinceMs: number | undefined;
    readonly untilMs: number | undefined;
    /** In the clear, or as the log has it. */
    readonly accessors: readonly string[] | undefined;
    /** With `*` for any text. */
    readonly path: string | undefined;
    readonly entityId: string | undefined;
    readonly requestId: string | undefined;
    readonly withOwnLines: boolean;
  };
  /** What is written from now on, instead of what is there. */
  readonly follow: boolean;
  readonly limit: number;
  /** May its client still see this? Asked again and again. */
  stillGood(): Promise<boolean>;
}

export interface AuditChainControl {
  /** By name, after `after`; as many as are listed at once. */
  list(after: string): Promise<readonly AuditChain[]>;
  chain(id: string): Promise<AuditChain | undefined>;
  /** Of checkpoints, oldest first. */
  keys(): readonly AuditKeys[];
  rotateKeys(claims: Claims): Promise<unknown>;
}

/** A chain of audit lines: of one device on one node. */
export interface AuditChain {
  readonly chain: string;
  readonly device: string;
  readonly node: string;
  /** The file it is written to; absent where it is none. */
  readonly file?: string;
  /** Of a line that is known to be written: its number, and SHA-256 in hex. */
  readonly seq: number;
  readonly hash: string;
  readonly atMs: number;
  /** Nothing was written after it. */
  readonly closed: boolean;
  readonly enabled: boolean;
}

/** Ids, and public keys as SPKI in base64. */
export interface AuditKeys {
  readonly generation: number;
  readonly ids: { readonly ed25519: string; readonly ml_dsa_65: string };
  readonly keys: { readonly ed25519: string; readonly ml_dsa_65: string };
}
