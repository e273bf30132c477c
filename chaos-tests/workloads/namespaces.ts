/**
 * Clients that make namespaces, delete them with all that is in them, and make others of the same name, and clients that read and write in them
 * through all nodes meanwhile. Asked of that (protocol §20: I6, I7, I14): of what was deleted nothing is read and nothing starts, what is made
 * anew has nothing of what was there before, and once it is swept the store has nothing of it either.
 *
 * @module
 */
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN, type SimReply, type SimRequest } from '../sim/server.ts';
import type { SimClient, SimNode, World } from '../sim/world.ts';

export interface NamespaceOptions {
  /** Clients that make and delete, each under a name of its own. */
  readonly owners: number;
  /** Clients that read and write. */
  readonly users: number;
  readonly operations: number;
}

/** A namespace from its making to its end. */
interface Life {
  readonly number: number;
  readonly name: string;
  readonly id: string;
  /** Of a token that belongs to it. */
  readonly token: string;
  readonly accessor: string;
  /** True time at which its deletion had returned; undefined: not yet. */
  goneMs: number | undefined;
}

const AGAIN_MS = 250;
const LIVES_MS: readonly [number, number] = [300, 4_000];
/** Lives that users choose from: the newest. */
const KNOWN = 8;
const KEYS = 3;
/** What is gone is swept within this, once all is well, ms. */
const SWEPT_MS = 60_000;
const LOOK_MS = 500;
const ALL = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }';

export class NamespaceWorkload {
  readonly #world: World;
  readonly #options: NamespaceOptions;
  readonly #random: Random;
  readonly #lives: Life[] = [];
  #left: number;
  #running = 0;
  #begun = 0;

  constructor(world: World, options: NamespaceOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('namespaces');
    this.#left = options.operations;
  }

  /** Nothing more is asked. */
  stop(): void {
    this.#left = 0;
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 0; n < this.#options.owners; n++) {
      this.#run(`o${n}`, async (client) => {
        for (let generation = 0; this.#left > 0; )
          if (!(await this.#live(client, nodeFor, `t${n}g${generation}`))) generation++;
      });
    }
    for (let n = 0; n < this.#options.users; n++) {
      this.#run(`u${n}`, async (client) => {
        while (this.#left > 0) {
          const known = this.#lives.slice(-KNOWN);
          if (known.length > 0) await this.#use(client, nodeFor(), this.#random.pick(known));
          await client.sleep(known.length > 0 ? this.#random.between(0, 120) : AGAIN_MS);
        }
      });
    }
  }

  /** Of which the deletion has returned. */
  get deleted(): number {
    return this.#gone().length;
  }

  #run(name: string, body: (client: SimClient) => Promise<void>): void {
    const client = this.#world.client(name);
    this.#running++;
    this.#world.drive(client.process, () => body(client).finally(() => this.#running--));
  }

  /** Replies whether the name may be used again: no request of this life can be on its way any more. */
  async #live(client: SimClient, nodeFor: () => SimNode, name: string): Promise<boolean> {
    const number = ++this.#begun;
    const ask = (request: SimRequest) => this.#done(client, nodeFor, request);
    const made = await ask(write(`sys/namespaces/${name}`, {}));
    const { id } = made.reply.body.data;
    const mounted = await ask(write(`${name}/sys/mounts/s`, { type: 'kv', options: { version: '2' } }));
    const ruled = await ask(write(`${name}/sys/policies/acl/all-${number}`, { policy: ALL }));
    const issued = await ask(write(`${name}/auth/token/create`, { policies: [`all-${number}`] }));
    const { client_token: token, accessor } = issued.reply.body.auth;
    const life: Life = { number, name, id, token, accessor, goneMs: undefined };
    this.#lives.push(life);
    await client.sleep(this.#random.between(...LIVES_MS));
    const ended = await ask({ verb: 'delete', path: `sys/namespaces/${name}`, token: ROOT_TOKEN });
    life.goneMs = this.#world.scheduler.nowMs;
    return [made, mounted, ruled, issued, ended].every(({ tries }) => tries === 1);
  }

  /** Asked again until it is done. */
  async #done(
    client: SimClient,
    nodeFor: () => SimNode,
    request: SimRequest,
  ): Promise<{ reply: SimReply; tries: number }> {
    for (let tries = 1; ; tries++) {
      const heard = await client.ask(nodeFor(), request);
      if (heard.kind === 'reply' && heard.reply.status < 500) {
        const { status, body } = heard.reply;
        // An earlier try has done it.
        if (status < 300 || String(body?.errors).includes('already in use'))
          return { reply: heard.reply, tries };
        throw new Error(`${request.path} was answered ${status} ${JSON.stringify(body)}`);
      }
      // Nothing was sent to a node that refuses.
      if (heard.kind === 'refused') tries--;
      await client.sleep(AGAIN_MS);
    }
  }

  async #use(client: SimClient, node: SimNode, life: Life): Promise<void> {
    const random = this.#random;
    const { name, number } = life;
    const calledMs = this.#world.scheduler.nowMs;
    const isOwn = random.chance(0.6);
    const token = isOwn ? life.token : ROOT_TOKEN;
    const draw = random.float();
    const data = `${name}/s/data/k${random.int(KEYS)}`;
    const request: SimRequest =
      draw < 0.35
        ? { verb: 'read', path: data, token }
        : draw < 0.7
          ? { ...write(data, { data: { life: number } }), token: life.token }
          : draw < 0.8
            ? { verb: 'read', path: `${name}/auth/token/lookup-self`, token: life.token }
            : draw < 0.9
              ? { verb: 'list', path: `${name}/sys/policies/acl`, token }
              : { verb: 'list', path: `${name}/s/metadata`, token };
    const heard = await client.ask(node, request);
    if (heard.kind === 'refused') return client.sleep(AGAIN_MS);
    this.#left--;
    if (heard.kind !== 'reply' || heard.reply.status >= 500) return;
    this.#judge(heard.reply, life, request, calledMs);
  }

  #judge({ status, body }: SimReply, life: Life, request: SimRequest, calledMs: number): void {
    const isGone = life.goneMs !== undefined && life.goneMs < calledMs;
    if (status < 300 && isGone && request.token === life.token)
      this.#violated(
        `I7: the token of life ${life.number} was good at ${request.path} after that was deleted`,
      );
    const seen = new Set<number>();
    if (status < 300 && request.verb === 'read' && body?.data?.data?.life) seen.add(body.data.data.life);
    for (const name of (status < 300 && body?.data?.keys) || [])
      if (String(name).startsWith('all-')) seen.add(Number(String(name).slice('all-'.length)));
    for (const number of seen) {
      const { goneMs } = this.#lives.find((one) => one.number === number) ?? {};
      if (goneMs !== undefined && goneMs < calledMs)
        this.#violated(`I6: ${request.verb} of ${request.path} showed what was deleted with life ${number}`);
    }
  }

  #violated(what: string): void {
    const { violations, scheduler } = this.#world;
    if (violations.length === 0) violations.push(what.replace(': ', `: at ${scheduler.nowMs.toFixed(1)} `));
  }

  /** Once all is well: waits until all is swept that is gone, then asks every node for it. */
  async finish(client: SimClient): Promise<void> {
    const { nodes, scheduler } = this.#world;
    const untilMs = scheduler.nowMs + SWEPT_MS;
    while (!this.#isSwept() && scheduler.nowMs < untilMs) await client.sleep(LOOK_MS);
    if (!this.#isSwept()) this.#violated('I14: what is gone is not swept');
    for (const life of this.#lives.filter(({ goneMs }) => goneMs !== undefined).slice(-KNOWN)) {
      for (const node of nodes) {
        const calledMs = scheduler.nowMs;
        const request: SimRequest = { verb: 'read', path: `${life.name}/s/data/k0`, token: ROOT_TOKEN };
        const heard = await client.ask(node, request);
        if (heard.kind === 'reply') this.#judge(heard.reply, life, request, calledMs);
      }
    }
  }

  #isSwept(): boolean {
    return this.#world.nodes.every(({ member, server }) => {
      if (!member?.isInTime()) return true;
      const keys = [...(server?.catalog?.entries('mounts').keys() ?? [])];
      return !keys.some((key) => key.startsWith('sweep/') || key.startsWith('gone-namespace/'));
    });
  }

  check(): string[] {
    return [...this.#startedGone(), ...this.#leftInCatalog(), ...this.#leftInStore()];
  }

  /** I7: nothing starts under a token of what is gone. */
  #startedGone(): string[] {
    const lives = new Map(this.#lives.map((life) => [life.accessor, life]));
    for (const { accessor, atMs, node } of this.#world.starts) {
      const life = lives.get(accessor);
      if (life?.goneMs === undefined || atMs <= life.goneMs) continue;
      const since = life.goneMs.toFixed(1);
      return [
        `I7: ${node} started something at ${atMs.toFixed(1)} in life ${life.number}, deleted since ${since}`,
      ];
    }
    return [];
  }

  #gone(): Life[] {
    return this.#lives.filter(({ goneMs }) => goneMs !== undefined);
  }

  #leftInCatalog(): string[] {
    const catalog = this.#world.nodes.find(({ member }) => member?.isInTime())?.server?.catalog;
    const keys = (['mounts', 'policies', 'settings'] as const).flatMap((section) => [
      ...(catalog?.entries(section).entries() ?? []),
    ]);
    for (const { id, number } of this.#gone()) {
      const left = keys.find(([key, value]) => key.includes(id) || JSON.stringify(value).includes(`"${id}"`));
      if (left) return [`I6: ${JSON.stringify(left[0])} is left in the catalog of life ${number}`];
    }
    return [];
  }

  /** Its records, and what names them: entries of indexes and timers. */
  #leftInStore(): string[] {
    const { store } = this.#world;
    const paths = [...store.paths('data/'), ...store.paths('by/'), ...store.paths('timer/')];
    for (const { id, number } of this.#gone()) {
      const left = paths.find((path) => path.includes(`/${id}/`) || path.endsWith(`.${id}`));
      if (left) return [`I6: ${left} is left in the store of life ${number}, which is swept`];
    }
    return [];
  }
}

function write(path: string, body: object): SimRequest {
  return { verb: 'update', path, token: ROOT_TOKEN, body };
}
