/**
 * Operators who seal a cluster, or one of its nodes, and open it again by shares, and what is asked of it (protocol §20: I13, I14).
 *
 * @module
 */
import { decodeView, VIEW_KEY } from '../../src/cluster/view.ts';
import type { History } from '../checkers/history.ts';
import type { Random } from '../sim/random.ts';
import type { SimClient, SimNode, World } from '../sim/world.ts';

export interface SealingOptions {
  /** Between a node that opens and the next seal, ms. */
  readonly everyMs: readonly [number, number];
  /** Share of seals of one node alone. */
  readonly alone: number;
}

/** Nobody could have known at the door that the cluster is sealed. */
interface SealedSpan {
  readonly fromMs: number;
  toMs: number;
}

const LOOK_MS = 100;
/** A node whose record was written so lately is alive: whoever seals has to wait for it. */
const ALIVE_MS = 1_000;
/** A share whose outcome is not known may be on its way for so long. */
const SHARE_ON_ITS_WAY_MS = 15_000;

export class SealingWorkload {
  readonly #world: World;
  readonly #options: SealingOptions;
  readonly #random: Random;
  readonly #client: SimClient;
  readonly #spans: SealedSpan[] = [];
  #shares: readonly Uint8Array[] = [];
  #shareUnknownMs = Number.NEGATIVE_INFINITY;
  #isBusy = false;
  seals = 0;

  constructor(world: World, options: SealingOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('sealing');
    this.#client = world.client('operator');
  }

  /** No seal is under way. */
  get isOver(): boolean {
    return !this.#isBusy;
  }

  /** Founds the store on a node. */
  async found(node: SimNode): Promise<void> {
    while (this.#shares.length === 0)
      await this.#at(node, async () => {
        const { keys } = await node.opening!.init({ shares: 1, threshold: 1 });
        this.#shares = keys;
      });
    await this.#unseal(node);
  }

  /** @param isEnding - true: nobody is sealed any more, and who is gets opened. */
  start(isEnding: () => boolean): void {
    this.#world.drive(this.#client.process, async () => {
      let nextMs = this.#world.scheduler.nowMs + this.#random.between(...this.#options.everyMs);
      for (;;) {
        await this.#client.sleep(LOOK_MS);
        const { nowMs } = this.#world.scheduler;
        const open = this.#up().filter(({ opening }) => opening!.isSealed() === false);
        if (open.length === 0) {
          await this.#openAny();
        } else if (!isEnding() && nowMs > nextMs) {
          this.#isBusy = true;
          await this.#seal(this.#random.pick(open));
          this.#isBusy = false;
          nextMs = this.#world.scheduler.nowMs + this.#random.between(...this.#options.everyMs);
        }
      }
    });
  }

  #up(): SimNode[] {
    return this.#world.nodes.filter(
      ({ process, opening }) => process.isAlive && !process.isPaused && opening,
    );
  }

  async #openAny(): Promise<void> {
    const up = this.#up();
    if (up.length > 0) await this.#unseal(this.#random.pick(up));
  }

  async #unseal(node: SimNode): Promise<void> {
    const span = this.#spans.at(-1);
    if (span) span.toMs = Math.min(span.toMs, this.#world.scheduler.nowMs);
    const { opening } = node;
    const isKnown = await this.#at(node, async () => {
      for (const share of this.#shares) await opening!.unseal(Uint8Array.from(share));
    });
    if (!isKnown) this.#shareUnknownMs = this.#world.scheduler.nowMs;
  }

  async #seal(node: SimNode): Promise<void> {
    const nodeOnly = this.#random.chance(this.#options.alone);
    const { opening, process } = node;
    this.seals++;
    let isSealed = false;
    await this.#at(node, async () => {
      await opening!.seal({ nodeOnly });
      isSealed = true;
      if (nodeOnly && opening!.hasKeys()) this.#violated(`${process.name} has keys, and was sealed`);
      if (!nodeOnly) this.#sealed();
    });
    await this.#client.sleep(this.#random.between(0, 3_000));
    // By itself it does not ask for keys again.
    if (nodeOnly && isSealed && node.opening === opening && !process.isPaused) await this.#unseal(node);
  }

  /** The seal of the cluster has returned, in this turn. */
  #sealed(): void {
    const { nodes, coordinator, scheduler } = this.#world;
    const { nowMs } = scheduler;
    const record = coordinator.records.get(VIEW_KEY);
    if (record && !decodeView(record.value).sealed) return;
    const writtenMs = new Map(coordinator.changes.map(({ key, atMs }) => [key, atMs]));
    for (const { process, opening, member } of nodes) {
      if (!process.isAlive || !opening?.hasKeys()) continue;
      const key = `members/${member!.inc()}`;
      const isAlive =
        coordinator.records.has(key) && nowMs - (writtenMs.get(key) ?? nowMs) < ALIVE_MS && !process.isPaused;
      if (member!.isInTime() || isAlive)
        this.#violated(`${process.name} has keys, and the seal of the cluster has returned`);
    }
    if (nowMs - this.#shareUnknownMs > SHARE_ON_ITS_WAY_MS)
      this.#spans.push({ fromMs: nowMs, toMs: Number.POSITIVE_INFINITY });
  }

  #violated(what: string): void {
    this.#world.violations.push(`I13: at ${this.#world.scheduler.nowMs.toFixed(1)} ${what}`);
  }

  /** Runs it in turns of the node. @returns whether it has ended well; a node that dies, or fails, leaves that open. */
  async #at(node: SimNode, run: () => Promise<void>): Promise<boolean> {
    const { process } = node;
    const { life } = process;
    let ended: boolean | undefined;
    process.later(0, 'operator', () => {
      run().then(
        () => {
          ended = true;
        },
        () => {
          ended = false;
        },
      );
    });
    while (ended === undefined && process.isAlive && process.life === life) await this.#client.sleep(LOOK_MS);
    return ended === true;
  }

  /** I13: between a seal and the next share nothing is answered. */
  check(): string[] {
    for (const { client, key, outcome, calledMs, returnedMs } of (this.#world.history as History).entries) {
      if (outcome !== 'ok') continue;
      const span = this.#spans.find(({ fromMs, toMs }) => calledMs > fromMs && returnedMs! < toMs);
      if (span)
        return [
          `I13: ${client} was answered at ${returnedMs!.toFixed(1)} about ${key}; all was sealed since ${span.fromMs.toFixed(1)}`,
        ];
    }
    return [];
  }
}
