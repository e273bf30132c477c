/**
 * Clients that set alarms and put them off about when they are due, and what is asked of that (protocol §20: I10): each rings once for each time
 * that it was due, never before, and none is forgotten.
 *
 * @module
 */

import type { Ring } from '../sim/alarms.ts';
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN } from '../sim/server.ts';
import type { SimClient, SimNode, World } from '../sim/world.ts';

export interface AlarmOptions {
  readonly clients: number;
  readonly alarms: number;
  readonly operations: number;
}

/** Clocks of nodes may differ by so much about what time it is, ms. */
const EARLY_MS = 1_500;
/** One that is overdue by this, after all was well for longer, was forgotten. */
const OVERDUE_MS = 8_000;
const REFUSED_MS = 250;
const TRIES = 40;

export class AlarmWorkload {
  readonly #world: World;
  readonly #options: AlarmOptions;
  readonly #random: Random;
  /** True time at which each is due, about. */
  readonly #dueMs: number[];
  #left: number;
  #running = 0;

  constructor(world: World, options: AlarmOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('alarms');
    this.#left = options.operations;
    this.#dueMs = Array.from({ length: options.alarms }, () => 0);
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 0; n < this.#options.clients; n++) {
      const client = this.#world.client(`a${n}`);
      this.#running++;
      this.#world.drive(client.process, async () => {
        while (this.#left-- > 0) {
          await this.#set(client, nodeFor(), this.#random.int(this.#dueMs.length));
          await client.sleep(this.#random.between(0, 400));
        }
        this.#running--;
      });
    }
  }

  async #set(client: SimClient, node: SimNode, at: number): Promise<void> {
    const { nowMs } = this.#world.scheduler;
    // About when it is due: a timer that has begun to fire finds another time.
    const wait = this.#dueMs[at]! - nowMs;
    if (wait > 0 && wait < 4_000) await client.sleep(wait + this.#random.between(-200, 600));
    const inMs = Math.round(
      this.#random.chance(0.5) ? this.#random.between(500, 3_000) : this.#random.between(5_000, 15_000),
    );
    const heard = await client.ask(node, {
      verb: 'update',
      path: `alarm/${at}`,
      token: ROOT_TOKEN,
      body: { in_ms: inMs },
    });
    if (heard.kind === 'refused') {
      this.#left++;
      return client.sleep(REFUSED_MS);
    }
    this.#dueMs[at] = this.#world.scheduler.nowMs + inMs;
  }

  /** Once all is well for long: what each alarm has noted. */
  async finish(client: SimClient, nodeFor: () => SimNode): Promise<void> {
    for (let at = 0; at < this.#dueMs.length; at++) {
      for (let tries = 0; tries < TRIES; tries++) {
        const node = nodeFor();
        const heard = await client.ask(node, { verb: 'read', path: `alarm/${at}`, token: ROOT_TOKEN });
        if (heard.kind !== 'reply' || heard.reply.status !== 200) {
          await client.sleep(REFUSED_MS);
          continue;
        }
        this.#judge(at, heard.reply.body.data, node.server?.now() ?? 0);
        break;
      }
    }
  }

  #judge(at: number, data: { due_ms: number | null; rings: readonly Ring[] }, nowMs: number): void {
    const { violations } = this.#world;
    const early = data.rings.find(({ dueMs, atMs }) => atMs < dueMs - EARLY_MS);
    if (early) violations.push(`I10: alarm ${at} rang ${early.dueMs - early.atMs} ms before it was due`);
    const twice = data.rings.find(({ dueMs }, n) => data.rings.findIndex((one) => one.dueMs === dueMs) !== n);
    if (twice) violations.push(`I10: alarm ${at} rang twice for one time`);
    if (data.due_ms !== null && data.due_ms < nowMs - OVERDUE_MS)
      violations.push(`I10: alarm ${at} was forgotten, due ${nowMs - data.due_ms} ms ago`);
  }
}
