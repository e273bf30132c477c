/**
 * A node's own record: that it lives, what it is, how far it has come. It alone writes it; others delete it at most (protocol §2, §3).
 *
 * @module
 */
import { MEMBER_RECORD_BYTES_MAX, MEMBERS_MAX } from '../model/limits.ts';
import { asCount, asFlag, asInc, asList, asText, asWeight, BadRecord, parseFields } from './record-fields.ts';

export const MEMBERS_PREFIX = 'members/';

export function memberKey(inc: string): string {
  return `${MEMBERS_PREFIX}${inc}`;
}

export type NodeState = 'sealed' | 'joining' | 'member' | 'leaving';
const STATES: readonly string[] = ['sealed', 'joining', 'member', 'leaving'] satisfies NodeState[];

/** What stays the same through a node's life. */
export interface NodeDescription {
  readonly nodeId: string;
  /** libp2p's, as text. */
  readonly peerId: string;
  /** Where other nodes reach it: multiaddrs. */
  readonly addresses: readonly string[];
  /** What clients are told. */
  readonly apiAddress: string;
  readonly clusterAddress: string;
  /** 1 is the usual share; between 0.01 and 100. */
  readonly weight: number;
  /** Availability zone, or ''. */
  readonly zone: string;
  /** Lowest and highest version of messages and records. */
  readonly speaks: readonly [number, number];
  /** Of the program. */
  readonly release: string;
  /** Of the storage that it uses; '' while it does not know. */
  readonly storageId: string;
}

export interface MemberRecord extends NodeDescription {
  /** Rises with each that is sent. */
  readonly beat: number;
  readonly state: NodeState;
  /** A joiner: all is done that comes before its proposal. */
  readonly ready: boolean;
  /** The last number it has acknowledged; 0: none. */
  readonly ack: number;
  /** Members, by `inc`, that it has not heard for UNREACHABLE_MS. */
  readonly unreachable: readonly string[];
  /** It has no keys in memory. */
  readonly sealed: boolean;
  /** ms (protocol §14). */
  readonly clusterTime: number;
}

const FORMAT = 1;
const TEXT_CHARS_MAX = 1_024;
const ADDRESSES_MAX = 64;

export function encodeMember(record: MemberRecord): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...record }));
}

/** @throws BadRecord */
export function decodeMember(bytes: Uint8Array): MemberRecord {
  const fields = parseFields(bytes, MEMBER_RECORD_BYTES_MAX);
  if (fields.format !== FORMAT) throw new BadRecord('the member is of another format');
  const text = (name: string): string => asText(fields[name], name, TEXT_CHARS_MAX);
  const state = text('state');
  if (!STATES.includes(state)) throw new BadRecord('state');
  const speaks = asList(fields.speaks, 'speaks', 2);
  return {
    nodeId: text('nodeId'),
    peerId: text('peerId'),
    addresses: asList(fields.addresses, 'addresses', ADDRESSES_MAX).map((address) =>
      asText(address, 'address', TEXT_CHARS_MAX),
    ),
    apiAddress: text('apiAddress'),
    clusterAddress: text('clusterAddress'),
    weight: asWeight(fields.weight, 'weight'),
    zone: text('zone'),
    speaks: [asCount(speaks[0], 'speaks'), asCount(speaks[1], 'speaks')],
    release: text('release'),
    storageId: text('storageId'),
    beat: asCount(fields.beat, 'beat'),
    state: state as NodeState,
    ready: asFlag(fields.ready, 'ready'),
    ack: asCount(fields.ack, 'ack'),
    unreachable: asList(fields.unreachable, 'unreachable', MEMBERS_MAX).map((inc) =>
      asInc(inc, 'unreachable'),
    ),
    sealed: asFlag(fields.sealed, 'sealed'),
    clusterTime: asCount(fields.clusterTime, 'clusterTime'),
  };
}
