/**
 * Clients that make trees of tokens, use them and revoke them, and what is asked of that (protocol §20: I7, I9, I10).
 *
 * @module
 */
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN, type SimRequest } from '../sim/server.ts';
import type { SimClient, SimNode, World } from '../sim/world.ts';

export interface TokenOptions {
  readonly clients: number;
  readonly operations: number;
}

interface Token {
  readonly text: string;
  readonly accessor: string;
  readonly parent: Token | undefined;
  /** 0: not limited. */
  readonly uses: number;
}

interface Revocation {
  readonly token: Token;
  readonly how: 'tree' | 'self';
  readonly calledMs: number;
  /** Undefined: its outcome is unknown. */
  returnedMs: number | undefined;
}

interface Use {
  readonly token: Token;
  readonly calledMs: number;
  readonly returnedMs: number;
  readonly isAllowed: boolean;
}

/** Tokens that clients choose from: the newest. */
const KNOWN_MAX = 24;
const REFUSED_MS = 250;
/** A timer that is overdue by this, by the node's own clock, after all was well for longer, was forgotten. */
const OVERDUE_MS = 8_000;

export class TokenWorkload {
  readonly #world: World;
  readonly #options: TokenOptions;
  readonly #random: Random;
  readonly #tokens: Token[] = [];
  readonly #revocations: Revocation[] = [];
  readonly #uses: Use[] = [];
  #left: number;
  #running = 0;

  constructor(world: World, options: TokenOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('tokens');
    this.#left = options.operations;
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 1; n <= this.#options.clients; n++) {
      const client = this.#world.client(`t${n}`);
      this.#running++;
      this.#world.drive(client.process, async () => {
        while (this.#left-- > 0) {
          await this.#step(client, nodeFor());
          await client.sleep(this.#random.between(0, 80));
        }
        this.#running--;
      });
    }
  }

  async #step(client: SimClient, node: SimNode): Promise<void> {
    const random = this.#random;
    const token = this.#tokens.length > 0 ? random.pick(this.#tokens) : undefined;
    const draw = random.float();
    if (!token || draw < 0.25) await this.#create(client, node, random.chance(0.7) ? token : undefined);
    else if (draw < 0.88) await this.#use(client, node, token);
    else await this.#revoke(client, node, token);
  }

  async #create(client: SimClient, node: SimNode, parent: Token | undefined): Promise<void> {
    const random = this.#random;
    const uses = random.chance(0.2) ? 1 + random.int(4) : 0;
    const body = {
      ...(random.chance(0.3) ? { ttl: `${1 + random.int(15)}s` } : { ttl: '1h' }),
      ...(uses > 0 ? { num_uses: uses } : {}),
    };
    const heard = await client.ask(node, {
      verb: 'update',
      path: 'auth/token/create',
      token: parent?.text ?? ROOT_TOKEN,
      body,
    });
    if (heard.kind === 'refused') return this.#refused(client);
    if (heard.kind !== 'reply') return;
    const { status, body: made } = heard.reply;
    if (status !== 200) return this.#expect(status, [400, 403], 'create', made);
    this.#tokens.push({ text: made.auth.client_token, accessor: made.auth.accessor, parent, uses });
    if (this.#tokens.length > KNOWN_MAX) this.#tokens.shift();
  }

  async #use(client: SimClient, node: SimNode, token: Token): Promise<void> {
    const calledMs = this.#world.scheduler.nowMs;
    const request: SimRequest = this.#random.chance(0.5)
      ? { verb: 'read', path: 'secret/data/shared', token: token.text }
      : { verb: 'update', path: 'secret/data/shared', token: token.text, body: { data: { v: 'x' } } };
    const heard = await client.ask(node, request);
    if (heard.kind === 'refused') return this.#refused(client);
    if (heard.kind !== 'reply') return;
    const { status, body } = heard.reply;
    if (status >= 500) return;
    this.#expect(status, [200, 403, 404], 'use', body);
    const returnedMs = this.#world.scheduler.nowMs;
    this.#uses.push({ token, calledMs, returnedMs, isAllowed: status !== 403 });
  }

  async #revoke(client: SimClient, node: SimNode, token: Token): Promise<void> {
    const how = this.#random.chance(0.25) ? 'self' : 'tree';
    const calledMs = this.#world.scheduler.nowMs;
    const revocation: Revocation = { token, how, calledMs, returnedMs: undefined };
    this.#revocations.push(revocation);
    const path = how === 'tree' ? 'auth/token/revoke' : 'auth/token/revoke-orphan';
    const body = { token: token.text };
    const heard = await client.ask(node, { verb: 'update', path, token: ROOT_TOKEN, body });
    if (heard.kind !== 'reply' || heard.reply.status >= 500) return;
    this.#expect(heard.reply.status, [204, 400], 'revoke', heard.reply.body);
    if (heard.reply.status === 204) revocation.returnedMs = this.#world.scheduler.nowMs;
  }

  /** It does not count: asking a node that is down again and again would use up the run. */
  async #refused(client: SimClient): Promise<void> {
    this.#left++;
    await client.sleep(REFUSED_MS);
  }

  #expect(status: number, allowed: readonly number[], what: string, body: unknown): void {
    if (status >= 500 || allowed.includes(status)) return;
    throw new Error(`${what} was answered ${status} ${JSON.stringify(body)}`);
  }

  /** Everything that went against the protocol. */
  check(): string[] {
    return [
      ...this.#startedAfterRevocation(),
      ...this.#cameBack(),
      ...this.#overused(),
      ...this.#forgotten(),
    ];
  }

  /** I7: nothing starts under a revoked token, or one below it. */
  #startedAfterRevocation(): string[] {
    const found: string[] = [];
    const deadSince = new Map<string, number>();
    const note = (accessor: string, atMs: number) =>
      deadSince.set(accessor, Math.min(atMs, deadSince.get(accessor) ?? atMs));
    const everyToken = new Map<string, Token>();
    for (const { token } of [...this.#uses, ...this.#revocations]) everyToken.set(token.accessor, token);
    for (const { token, how, returnedMs } of this.#revocations) {
      if (returnedMs === undefined) continue;
      note(token.accessor, returnedMs);
      if (how === 'self') continue;
      for (const other of everyToken.values())
        if (this.#isBelow(other, token)) note(other.accessor, returnedMs);
    }
    for (const { accessor, atMs, node } of this.#world.starts) {
      const since = deadSince.get(accessor);
      if (since === undefined || atMs <= since) continue;
      found.push(
        `I7: ${node} started something at ${atMs.toFixed(1)} under a token revoked at ${since.toFixed(1)}`,
      );
      break;
    }
    return found;
  }

  /** Was `token` below `ancestor` for as long as either lived? Where the ancestor, or one in between, was cut out of its tree, that cannot be told. */
  #isBelow(token: Token, ancestor: Token): boolean {
    for (let at = token.parent; at; at = at.parent) {
      const parent = at;
      if (this.#revocations.some((one) => one.token === parent && one.how === 'self')) return false;
      if (parent === ancestor) return true;
    }
    return false;
  }

  /** I7: who was refused once is refused for good. */
  #cameBack(): string[] {
    const refusedAt = new Map<string, number>();
    for (const { token, returnedMs, isAllowed } of this.#uses) {
      if (!isAllowed)
        refusedAt.set(token.accessor, Math.min(returnedMs, refusedAt.get(token.accessor) ?? returnedMs));
    }
    for (const { token, calledMs, isAllowed } of this.#uses) {
      const since = refusedAt.get(token.accessor);
      if (isAllowed && since !== undefined && calledMs > since)
        return [`I7: a token refused at ${since.toFixed(1)} was good again at ${calledMs.toFixed(1)}`];
    }
    return [];
  }

  /** I9: no more uses than allowed. */
  #overused(): string[] {
    const counts = new Map<Token, number>();
    for (const { token, isAllowed } of this.#uses)
      if (isAllowed && token.uses > 0) counts.set(token, (counts.get(token) ?? 0) + 1);
    for (const [token, count] of counts)
      if (count > token.uses) return [`I9: a token for ${token.uses} uses was used ${count} times`];
    return [];
  }

  /**
   * I10: no due time is forgotten. To be asked when all was well for long. Left out: what a commit put that its owner had given up on. Where that
   * lands after the owner looked, nobody looks again before the shard is claimed anew.
   */
  #forgotten(): string[] {
    const { nodes, store } = this.#world;
    const now = Math.min(...nodes.map((node) => node.server?.now() ?? 0));
    const given = new Set(store.applied.filter((one) => !one.isAcknowledged).map((one) => one.version));
    const overdue = store.paths('timer/').filter((path) => {
      return Number(path.split('/')[2]) < now - OVERDUE_MS && !given.has(store.records.get(path)!.version);
    });
    return overdue.length > 0 ? [`I10: ${overdue.length} timers were forgotten, ${overdue[0]}`] : [];
  }
}
