/**
 * Which member should own which shard: rendezvous hashing by weight proposes, then as few moves as bring the fullest to its bound
 * (protocol §4). This only proposes; what counts is what the view record says.
 *
 * A member is hashed by its node id: who restarts gets back what it had.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { SHARDS } from '../actors/places.ts';
import { FULLEST_SHARE_MAX } from '../model/limits.ts';
import type { Assignment, ViewMember } from './view.ts';

const DRAW_BYTES = 6;
const DRAWS = 2 ** (8 * DRAW_BYTES);

/** A member while shards are dealt. */
interface Seat {
  readonly inc: string;
  readonly scores: Float64Array;
  /** Shards by weight; most that it may have. */
  readonly mean: number;
  readonly most: number;
  load: number;
}

/** The most shards each may own: 1.15 × its mean, but one may always be rounded up. */
export function mostShards(weight: number, weights: number): number {
  const mean = (SHARDS * weight) / weights;
  return Math.max(Math.ceil(mean), Math.floor(mean * FULLEST_SHARE_MAX));
}

export function isBalanced({ members, shards }: Assignment): boolean {
  const weights = sumOf(members);
  const loads = new Map(members.map(({ inc }) => [inc, 0]));
  for (const owner of shards) loads.set(owner, loads.get(owner)! + 1);
  return members.every(({ inc, weight }) => loads.get(inc)! <= mostShards(weight, weights));
}

/**
 * Owners for a proposed view. What a member has it keeps, unless a newcomer's hash is higher or it has too much.
 * @param before - owners as they are, also such that are members no more; empty: there were none.
 */
export function place(members: readonly ViewMember[], before: readonly string[]): string[] {
  const seats = seatsOf(members);
  const owners = new Set(before);
  const bySeat = new Map(seats.map((seat) => [seat.inc, seat]));
  const newcomers = seats.filter((seat) => !owners.has(seat.inc));
  const placed: Seat[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    const owner = bySeat.get(before[shard] ?? '');
    const seat = highest(owner ? [owner, ...newcomers] : seats, shard)!;
    seat.load++;
    placed.push(seat);
  }
  for (const seat of seats) if (seat.load > seat.most) thin(seat, seats, placed, before, bySeat);
  return placed.map((seat) => seat.inc);
}

/** Owners after an eviction: only shards whose owner is no member move (I11). It may leave the balance off; a proposal mends that. */
export function placeOrphans(members: readonly ViewMember[], before: readonly string[]): string[] {
  if (members.length === 0) return [];
  const seats = seatsOf(members);
  const bySeat = new Map(seats.map((seat) => [seat.inc, seat]));
  const placed = before.map((owner) => bySeat.get(owner));
  for (const seat of placed) if (seat) seat.load++;
  return placed.map((owner, shard) => {
    // All together may own more than there are shards, so while one is left somebody has room.
    const seat = owner ?? highest(seats.filter(hasRoom), shard)!;
    if (!owner) seat.load++;
    return seat.inc;
  });
}

/** Takes from `full` what it has too much: first what it would only now get, then what its hash wants least. */
function thin(
  full: Seat,
  seats: readonly Seat[],
  placed: Seat[],
  before: readonly string[],
  bySeat: ReadonlyMap<string, Seat>,
): void {
  const own: number[] = [];
  for (const [shard, seat] of placed.entries()) if (seat === full) own.push(shard);
  const isMove = (shard: number): number => (before[shard] === full.inc ? 1 : 0);
  own.sort((a, b) => isMove(a) - isMove(b) || full.scores[a]! - full.scores[b]! || a - b);
  for (const shard of own) {
    if (full.load <= full.most) return;
    const owner = bySeat.get(before[shard] ?? '');
    const stays = owner && owner !== full && hasRoom(owner);
    // While one has more than its mean another has less.
    const seat = stays ? owner : highest(seats.filter(isBelowMean), shard)!;
    seat.load++;
    full.load--;
    placed[shard] = seat;
  }
}

const hasRoom = (seat: Seat): boolean => seat.load < seat.most;
const isBelowMean = (seat: Seat): boolean => seat.load < seat.mean;

function highest(seats: readonly Seat[], shard: number): Seat | undefined {
  let best: Seat | undefined;
  for (const seat of seats) if (!best || seat.scores[shard]! > best.scores[shard]!) best = seat;
  return best;
}

/** Sorted, so that the order of the list decides nothing where two hashes are the same. */
function seatsOf(members: readonly ViewMember[]): Seat[] {
  const weights = sumOf(members);
  return members
    .toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
    .map(({ inc, nodeId, weight }) => ({
      inc,
      scores: scoresOf(nodeId, weight),
      mean: (SHARDS * weight) / weights,
      most: mostShards(weight, weights),
      load: 0,
    }));
}

function sumOf(members: readonly ViewMember[]): number {
  return members.reduce((sum, { weight }) => sum + weight, 0);
}

/** Weighted rendezvous: −w / ln u with u uniform in (0, 1), so that each wins shards in proportion to its weight. */
function scoresOf(nodeId: string, weight: number): Float64Array {
  const draws = createHash('shake256', { outputLength: SHARDS * DRAW_BYTES })
    .update(nodeId)
    .digest();
  const scores = new Float64Array(SHARDS);
  for (let shard = 0; shard < SHARDS; shard++) {
    const draw = draws.readUIntBE(shard * DRAW_BYTES, DRAW_BYTES);
    scores[shard] = -weight / Math.log((draw + 0.5) / DRAWS);
  }
  return scores;
}
