/**
 * The view: who the members are, and who owns each shard. One record of the coordinator, changed by compare-and-set alone (protocol §3, §4).
 * It carries the assignment itself, so no two nodes, and no two releases, ever compute it differently.
 *
 * @module
 */
import { SHARDS } from '../actors/places.ts';
import type { CoordinatorRecord } from '../model/coordinator.ts';
import { MEMBERS_MAX, VIEW_RECORD_BYTES_MAX } from '../model/limits.ts';
import { FAULT, type Faults } from './faults.ts';
import {
  asCount,
  asFields,
  asFlag,
  asInc,
  asList,
  asText,
  asWeight,
  BadRecord,
  parseFields,
} from './record-fields.ts';

export const VIEW_KEY = 'view';

export interface ViewMember {
  /** One life of a node: 128 random bits, new at every start and after every eviction. */
  readonly inc: string;
  readonly nodeId: string;
  readonly weight: number;
}

export interface Assignment {
  /** In the order in which they joined: the last is the youngest. */
  readonly members: readonly ViewMember[];
  /** Owner's `inc` by shard, all 1,024; none where there is no member. */
  readonly shards: readonly string[];
}

export interface Proposal extends Assignment {
  readonly number: number;
}

export interface View extends Assignment {
  readonly epoch: number;
  /** The highest number ever used, as an epoch or by a proposal. */
  readonly last: number;
  readonly next: Proposal | undefined;
  /** The highest version of messages and records that all members speak; never lowered. */
  readonly protocol: number;
  readonly sealed: boolean;
}

/** A view as it was read. */
export interface HeldView {
  readonly view: View;
  /** Of its record. */
  readonly version: number;
}

const FORMAT = 1;
const NODE_ID_CHARS_MAX = 128;

/** The owner's `inc`; undefined while there is no member. */
export function ownerOf(view: Assignment, shard: number): string | undefined {
  return view.shards[shard];
}

export function isMember(view: Assignment, inc: string): boolean {
  return view.members.some((member) => member.inc === inc);
}

/** Shards that `inc` owns, in order. */
export function shardsOf(view: Assignment, inc: string): number[] {
  const owned: number[] = [];
  for (const [shard, owner] of view.shards.entries()) if (owner === inc) owned.push(shard);
  return owned;
}

/** What of its own `inc` gives away in the pending proposal, and may therefore neither serve nor claim once it has acknowledged. */
export function shardsLostBy(view: View, inc: string): number[] {
  const { next } = view;
  if (!next) return [];
  return shardsOf(view, inc).filter((shard) => next.shards[shard] !== inc);
}

/**
 * The newer of what is held and what was read: a record is believed only if its version is newer than the one held (protocol §3).
 * Answers pass each other on the way, so the last one to come need not be the newest.
 * @throws BadRecord
 */
export function newerView(
  held: HeldView | undefined,
  read: CoordinatorRecord | undefined,
  faults?: Faults,
): HeldView | undefined {
  if (!read) return held;
  const newer = !held || read.version > held.version || faults?.has(FAULT.olderViewAccepted) === true;
  if (!newer || read.version === held?.version) return held;
  return { view: decodeView(read.value), version: read.version };
}

export function encodeView(view: View): Uint8Array {
  checkView(view);
  const { epoch, last, next, protocol, sealed } = view;
  return Buffer.from(
    JSON.stringify({
      format: FORMAT,
      epoch,
      last,
      ...encodeAssignment(view),
      next: next ? { number: next.number, ...encodeAssignment(next) } : null,
      protocol,
      sealed,
    }),
  );
}

/** @throws BadRecord */
export function decodeView(bytes: Uint8Array): View {
  const fields = parseFields(bytes, VIEW_RECORD_BYTES_MAX);
  if (fields.format !== FORMAT) throw new BadRecord('the view is of another format');
  const pending = fields.next === null ? undefined : asFields(fields.next, 'next');
  const view: View = {
    epoch: asCount(fields.epoch, 'epoch'),
    last: asCount(fields.last, 'last'),
    ...decodeAssignment(fields),
    next: pending && { number: asCount(pending.number, 'number'), ...decodeAssignment(pending) },
    protocol: asCount(fields.protocol, 'protocol'),
    sealed: asFlag(fields.sealed, 'sealed'),
  };
  checkView(view);
  return view;
}

/** Places of the owners in the list of members, two bytes each: a tenth of their names. */
function encodeAssignment({ members, shards }: Assignment): object {
  const places = new Map(members.map(({ inc }, place) => [inc, place]));
  const owners = Buffer.alloc(shards.length * 2);
  for (const [shard, owner] of shards.entries()) owners.writeUInt16BE(places.get(owner)!, shard * 2);
  return {
    members: members.map(({ inc, nodeId, weight }) => [inc, nodeId, weight]),
    shards: owners.toString('base64'),
  };
}

function decodeAssignment(fields: Readonly<Record<string, unknown>>): Assignment {
  const members = asList(fields.members, 'members', MEMBERS_MAX).map((entry): ViewMember => {
    const [inc, nodeId, weight] = asList(entry, 'member', 16);
    return {
      inc: asInc(inc, 'inc'),
      nodeId: asText(nodeId, 'node id', NODE_ID_CHARS_MAX),
      weight: asWeight(weight, 'weight'),
    };
  });
  const owners = Buffer.from(asText(fields.shards, 'shards', SHARDS * 4), 'base64');
  if (owners.length !== (members.length === 0 ? 0 : SHARDS * 2)) throw new BadRecord('shards');
  const shards: string[] = [];
  for (let at = 0; at < owners.length; at += 2) {
    const member = members[owners.readUInt16BE(at)];
    if (!member) throw new BadRecord('the owner of a shard');
    shards.push(member.inc);
  }
  return { members, shards };
}

/** What holds of every view, before it is written and after it was read. */
function checkView(view: View): void {
  const { epoch, last, next, protocol } = view;
  if (epoch < 1 || epoch > last) throw new BadRecord(`epoch ${epoch}, last ${last}`);
  if (protocol < 1) throw new BadRecord('protocol');
  checkAssignment(view);
  if (!next) return;
  if (next.number > last) throw new BadRecord(`next ${next.number}, last ${last}`);
  if (next.members.length === 0) throw new BadRecord('a proposal without members');
  checkAssignment(next);
}

function checkAssignment({ members, shards }: Assignment): void {
  const incs = new Set(members.map(({ inc }) => inc));
  if (incs.size !== members.length) throw new BadRecord('a member stands there twice');
  if (shards.length !== (members.length === 0 ? 0 : SHARDS)) throw new BadRecord('shards');
  if (!shards.every((owner) => incs.has(owner))) throw new BadRecord('a shard of nobody');
}
