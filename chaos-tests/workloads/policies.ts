/**
 * Clients that write policies and tighten them, and clients that work under them meanwhile (protocol §20: I6, I12).
 *
 * Each round has a policy and a token of its own: what was sent for an earlier round and lands late opens nothing again.
 *
 * @module
 */
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN, type SimRequest } from '../sim/server.ts';
import type { Heard, SimClient, SimNode, World } from '../sim/world.ts';

export interface PolicyOptions {
  /** Clients that work under policies, and clients that change them. */
  readonly users: number;
  readonly tighteners: number;
  readonly operations: number;
}

interface Round {
  readonly policy: string;
  readonly token: string;
  readonly accessor: string;
  /** True time at which the tightening of its policy had returned; undefined: not yet. */
  tightSinceMs: number | undefined;
}

const OPEN = 'path "secret/data/guarded/*" { capabilities = ["create", "read", "update"] }';
const TIGHT = 'path "secret/data/guarded/*" { capabilities = ["deny"] }';
/** Rounds that users choose from: the newest. */
const KNOWN_MAX = 6;
const PATHS = 4;
const REFUSED_MS = 250;
/** Changes of which it is looked everywhere. */
const RETURNED_MAX = 12;
/** A change whose outcome is not known is sent again so often; a run in which that does not do is judged by I14. */
const TRIES = 60;

export class PolicyWorkload {
  readonly #world: World;
  readonly #options: PolicyOptions;
  readonly #random: Random;
  readonly #rounds: Round[] = [];
  readonly #found: string[] = [];
  /** What must be everywhere: by policy, the text of the last change that returned, unless another is under way. */
  readonly #returned = new Map<string, string>();
  #left: number;
  #running = 0;
  #made = 0;

  constructor(world: World, options: PolicyOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('policies');
    this.#left = options.operations;
    const before = world.membershipChanged;
    world.membershipChanged = () => {
      before?.();
      this.#everywhere();
    };
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 1; n <= this.#options.tighteners; n++)
      this.#run(`p${n}`, [0, 100], (client) => this.#round(client, nodeFor));
    for (let n = 1; n <= this.#options.users; n++)
      this.#run(`u${n}`, [0, 60], (client) => this.#use(client, nodeFor()));
  }

  #run(name: string, pauseMs: readonly [number, number], step: (client: SimClient) => Promise<void>): void {
    const client = this.#world.client(name);
    this.#running++;
    this.#world.drive(client.process, async () => {
      while (this.#left-- > 0) {
        await step(client);
        await client.sleep(this.#random.between(...pauseMs));
      }
      this.#running--;
    });
  }

  /** Opens a policy, lets users work under it, and tightens it. */
  async #round(client: SimClient, nodeFor: () => SimNode): Promise<void> {
    const policy = `guard-${++this.#made}`;
    // Only where it certainly is made once: what is not known to have been made may be made after it was tightened.
    if (!isDone(await client.ask(nodeFor(), put(policy, OPEN)))) return;
    this.#hasReturned(policy, OPEN);
    const made = await client.ask(nodeFor(), {
      verb: 'update',
      path: 'auth/token/create',
      token: ROOT_TOKEN,
      body: { policies: [policy], no_default_policy: true },
    });
    if (made.kind !== 'reply' || made.reply.status !== 200) return;
    const { client_token: token, accessor } = made.reply.body.auth;
    const round: Round = { policy, token, accessor, tightSinceMs: undefined };
    this.#rounds.push(round);
    await client.sleep(this.#random.between(0, 500));
    this.#returned.delete(policy);
    for (let tries = 0; tries < TRIES; tries++) {
      if (!isDone(await client.ask(nodeFor(), put(policy, TIGHT)))) {
        await client.sleep(this.#random.between(20, 400));
        continue;
      }
      round.tightSinceMs = this.#world.scheduler.nowMs;
      this.#hasReturned(policy, TIGHT);
      return;
    }
  }

  #hasReturned(policy: string, text: string): void {
    this.#returned.set(policy, text);
    if (this.#returned.size > RETURNED_MAX) this.#returned.delete(this.#returned.keys().next().value!);
    this.#everywhere();
  }

  /** I12: whoever may answer has what has returned; a node that joins, from the turn on in which it may. */
  #everywhere(): void {
    if (this.#found.length > 0) return;
    for (const { process, member, opening, server, isOpen } of this.#world.nodes) {
      if (!process.isAlive || !isOpen || opening?.isSealed() || !member?.isInTime()) continue;
      const held = server?.catalog?.entries('policies');
      for (const [policy, text] of this.#returned) {
        if (held?.get(policy) !== text)
          this.#violated(`I12: ${process.name} does not have the change of ${policy} that returned`);
      }
    }
  }

  async #use(client: SimClient, node: SimNode): Promise<void> {
    const known = this.#rounds.slice(-KNOWN_MAX);
    if (known.length === 0) return;
    const round = this.#random.pick(known);
    const path = `secret/data/guarded/${this.#random.int(PATHS)}`;
    const { tightSinceMs } = round;
    const request: SimRequest = this.#random.chance(0.5)
      ? { verb: 'read', path, token: round.token }
      : { verb: 'update', path, token: round.token, body: { data: { v: round.policy } } };
    const heard = await client.ask(node, request);
    if (heard.kind === 'refused') {
      // It does not count: asking a node that is down again and again would use up the run.
      this.#left++;
      await client.sleep(REFUSED_MS);
    }
    if (heard.kind !== 'reply' || heard.reply.status >= 500) return;
    const { status } = heard.reply;
    if (![200, 403, 404].includes(status)) this.#violated(`a use was answered ${status}`);
    if (status !== 403 && tightSinceMs !== undefined)
      this.#violated(
        `I6: ${node.process.name} let ${round.policy} in, which was tight when the request began`,
      );
  }

  #violated(what: string): void {
    this.#found.push(what.replace(': ', `: at ${this.#world.scheduler.nowMs.toFixed(1)} `));
    this.#world.violations.push(this.#found.at(-1)!);
  }

  check(): string[] {
    return [...this.#startedTight(), ...this.#notOneCatalog()];
  }

  /** I6: nothing starts under a policy after the call that tightened it has returned. */
  #startedTight(): string[] {
    const rounds = new Map(this.#rounds.map((round) => [round.accessor, round]));
    for (const { accessor, atMs, node } of this.#world.starts) {
      const round = rounds.get(accessor);
      if (round?.tightSinceMs === undefined || atMs <= round.tightSinceMs) continue;
      const since = round.tightSinceMs.toFixed(1);
      return [
        `I6: ${node} started something at ${atMs.toFixed(1)} under ${round.policy}, tight since ${since}`,
      ];
    }
    return [];
  }

  /** I12: in the end all members hold what the last change left. */
  #notOneCatalog(): string[] {
    const members = this.#world.nodes.filter(({ member }) => member?.isInTime());
    const [first, ...others] = members.map(({ server }) => server?.catalog?.applied('policies'));
    if (!first) return [];
    const textOf = (entries: ReadonlyMap<string, unknown>) => JSON.stringify([...entries].sort());
    const same = others.every(
      (other) => other && other.seq === first.seq && textOf(other.entries) === textOf(first.entries),
    );
    return same ? [] : ['I12: members hold different catalogs'];
  }
}

function put(policy: string, text: string): SimRequest {
  return { verb: 'update', path: `sys/policies/acl/${policy}`, token: ROOT_TOKEN, body: { policy: text } };
}

function isDone(heard: Heard): boolean {
  return heard.kind === 'reply' && heard.reply.status === 204;
}
