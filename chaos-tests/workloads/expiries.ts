/**
 * Clients that make tokens which end soon, with others below them, use them and renew them through all nodes, and what is asked of that (protocol
 * §20: I7, I10): each is good until its end and never after, ends once, and takes with it once what is below it.
 *
 * @module
 */
import { decodeHead } from '../../src/actors/memory.ts';
import { headPath } from '../../src/actors/places.ts';
import { tokenId } from '../../src/auth/token/token-actor.ts';
import type { Change } from '../../src/model/storage.ts';
import { NAMES } from '../sim/mounts.ts';
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN } from '../sim/server.ts';
import type { SimClient, SimNode, World } from '../sim/world.ts';

export interface ExpiryOptions {
  readonly clients: number;
  readonly operations: number;
}

interface Ending {
  readonly text: string;
  readonly accessor: string;
  readonly parent: Ending | undefined;
  /** True times, ms: before the first it is good, after the second it is not. */
  earliestMs: number;
  latestMs: number;
}

/** Tokens that clients choose from: the newest. */
const KNOWN_MAX = 16;
const REFUSED_MS = 250;
const TTL_SECONDS: readonly [number, number] = [2, 9];
/** Clocks run at up to 5 % more or less than true time, and follow the fastest; nodes differ by what no beat has told them yet. */
const RATE = 1.06;
const HELD_RATE = 1.12;
const SKEW_MS = 1_500;
const TOKENS = 'data/root/token/token/';

export class ExpiryWorkload {
  readonly #world: World;
  readonly #options: ExpiryOptions;
  readonly #random: Random;
  readonly #tokens: Ending[] = [];
  readonly #known: Ending[] = [];
  /** Heads that were deleted: a token is forgotten once. */
  readonly #forgotten = new Set<string>();
  #left: number;
  #running = 0;

  constructor(world: World, options: ExpiryOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('expiries');
    this.#left = options.operations;
    const { store } = world;
    const before = store.onCommit;
    store.onCommit = (changes, sentMs, by) => {
      before?.(changes, sentMs, by);
      for (const change of changes) this.#committed(change, by);
    };
  }

  /** Nothing more is asked. */
  stop(): void {
    this.#left = 0;
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 0; n < this.#options.clients; n++) {
      const client = this.#world.client(`e${n}`);
      this.#running++;
      this.#world.drive(client.process, async () => {
        while (this.#left-- > 0) {
          await this.#step(client, nodeFor());
          await client.sleep(this.#random.between(0, 150));
        }
        this.#running--;
      });
    }
  }

  async #step(client: SimClient, node: SimNode): Promise<void> {
    const random = this.#random;
    const token = this.#known.length > 0 ? random.pick(this.#known) : undefined;
    const draw = random.float();
    if (!token || draw < 0.2) await this.#create(client, node, random.chance(0.5) ? token : undefined);
    else if (draw < 0.28) await this.#renew(client, node, token);
    else await this.#use(client, node, token);
  }

  async #create(client: SimClient, node: SimNode, parent: Ending | undefined): Promise<void> {
    const calledMs = this.#world.scheduler.nowMs;
    // What ends with what is above it ends by itself much later.
    const ttl = parent ? 3_600 : Math.round(this.#random.between(...TTL_SECONDS));
    const heard = await client.ask(node, {
      verb: 'update',
      path: 'auth/token/create',
      token: parent?.text ?? ROOT_TOKEN,
      body: { ttl: `${ttl}s`, policies: ['root'] },
    });
    if (heard.kind === 'refused') return this.#refused(client);
    if (heard.kind !== 'reply' || heard.reply.status !== 200) return;
    const { client_token: text, accessor } = heard.reply.body.auth;
    const token = { text, accessor, parent, ...this.#end(calledMs, ttl) };
    this.#tokens.push(token);
    this.#known.push(token);
    if (this.#known.length > KNOWN_MAX) this.#known.shift();
  }

  #end(calledMs: number, ttl: number): Pick<Ending, 'earliestMs' | 'latestMs'> {
    const ms = ttl * 1_000;
    const { nowMs } = this.#world.scheduler;
    return { earliestMs: calledMs + ms / RATE - SKEW_MS, latestMs: nowMs + ms * HELD_RATE + SKEW_MS };
  }

  async #renew(client: SimClient, node: SimNode, token: Ending): Promise<void> {
    if (token.parent) return;
    const calledMs = this.#world.scheduler.nowMs;
    const ttl = Math.round(this.#random.between(...TTL_SECONDS));
    // It may end sooner than before, or later, from the asking on, and whatever the answer.
    token.earliestMs = Math.min(token.earliestMs, calledMs + (ttl * 1_000) / RATE - SKEW_MS);
    const latestMs = token.latestMs;
    token.latestMs = Number.POSITIVE_INFINITY;
    const body = { increment: `${ttl}s` };
    const heard = await client.ask(node, {
      verb: 'update',
      path: 'auth/token/renew-self',
      token: token.text,
      body,
    });
    // Not known: it may be renewed as late as the request may run.
    if (heard.kind !== 'reply' || heard.reply.status >= 500) return;
    const { latestMs: renewedMs } = this.#end(calledMs, ttl);
    token.latestMs = heard.reply.status === 200 ? Math.max(latestMs, renewedMs) : latestMs;
  }

  async #use(client: SimClient, node: SimNode, token: Ending): Promise<void> {
    const { scheduler } = this.#world;
    const calledMs = scheduler.nowMs;
    const path = this.#random.chance(0.5) ? 'auth/token/lookup-self' : 'secret/data/shared';
    const heard = await client.ask(node, { verb: 'read', path, token: token.text });
    if (heard.kind === 'refused') return this.#refused(client);
    if (heard.kind !== 'reply' || heard.reply.status >= 500) return;
    const isGood = heard.reply.status !== 403;
    let [earliestMs, latestMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let at: Ending | undefined = token; at; at = at.parent) {
      earliestMs = Math.min(earliestMs, at.earliestMs);
      latestMs = Math.min(latestMs, at.latestMs);
    }
    if (!isGood && scheduler.nowMs < earliestMs)
      this.#violated(
        `I2: a token was refused ${(earliestMs - scheduler.nowMs).toFixed(0)} ms before its end`,
      );
    if (isGood && calledMs > latestMs)
      this.#violated(`I7: a token was good ${(calledMs - latestMs).toFixed(0)} ms after its end`);
  }

  async #refused(client: SimClient): Promise<void> {
    this.#left++;
    await client.sleep(REFUSED_MS);
  }

  /** I7: what has ended stays so, and is forgotten once. Looked at in the turn in which a commit takes effect. */
  #committed({ path, value }: Change, by: string): void {
    if (!path.startsWith(TOKENS) || path.includes('!')) return;
    const stored = this.#world.store.records.get(path);
    if (!value) {
      if (stored) this.#forgotten.add(path);
      return;
    }
    if (this.#forgotten.has(path))
      this.#violated(`I7: ${by} brought ${path} back, which had ended and was forgotten`);
    if (stored && isDying(stored.value) && !isDying(value))
      this.#violated(`I7: ${by} brought ${path} back, which had ended`);
  }

  /** Accessors of those that are over by every clock, and of those below them. */
  ended(): string[] {
    const { nowMs } = this.#world.scheduler;
    const isOver = (token: Ending): boolean => {
      let latestMs = Number.POSITIVE_INFINITY;
      for (let at: Ending | undefined = token; at; at = at.parent) latestMs = Math.min(latestMs, at.latestMs);
      return nowMs > latestMs + SKEW_MS;
    };
    return this.#tokens.filter(isOver).map(({ accessor }) => accessor);
  }

  #violated(what: string): void {
    const { violations, scheduler } = this.#world;
    if (violations.length === 0) violations.push(what.replace(': ', `: at ${scheduler.nowMs.toFixed(1)} `));
  }

  /** I10: what has ended by every clock is gone from the store, and what was below it. */
  check(): string[] {
    const { records } = this.#world.store;
    const left = this.ended().find((accessor) => records.has(headPath(NAMES, tokenId(accessor))));
    return left === undefined
      ? []
      : [`I10: the token ${left} has ended, or one above it, and is still in the store`];
  }
}

function isDying(head: Uint8Array): boolean {
  const { head: bytes } = decodeHead(head);
  return (JSON.parse(Buffer.from(bytes).toString()) as { dying?: string }).dying !== undefined;
}
