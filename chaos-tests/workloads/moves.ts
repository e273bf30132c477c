/**
 * Clients that move mounts within a namespace and between namespaces while others read and write in them through all nodes, and what is asked of
 * that (protocol §20: I1, I2, I6, I12): nothing acknowledged is lost, and what has moved is found at its new path, and there alone.
 *
 * A path is used once: what was sent for an earlier place and lands late leads nowhere again.
 *
 * @module
 */
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN, type SimReply, type SimRequest } from '../sim/server.ts';
import type { Heard, SimClient, SimNode, World } from '../sim/world.ts';
import type { Visit } from './kv.ts';

export interface MoveOptions {
  readonly mounts: number;
  /** Clients that move them. */
  readonly movers: number;
  /** Between two moves of a client, ms. */
  readonly pauseMs: readonly [number, number];
}

/** A path that a mount has, had, or may be about to have. */
interface Place {
  /** From the root namespace, ends in `/`. */
  readonly path: string;
  /** Nothing but this place is asked for under it. */
  readonly token: string;
  readonly accessor: string;
  /** True time at which a move to it had returned; undefined: not yet. */
  sinceMs: number | undefined;
  /** When a move away from it began; undefined: none has. */
  leavingMs: number | undefined;
  /** When such a move had returned. */
  leftMs: number | undefined;
}

interface Moved {
  readonly name: string;
  /** The last is where it goes, or is. */
  readonly places: Place[];
  isMoving: boolean;
  moves: number;
}

const NAMESPACES = ['', 'east/', 'west/'];
const AGAIN_MS = 250;
/**
 * A move whose outcome is not known is asked for again until it is. However long faults go on, once the last has ended it is done within this (I14),
 * ms: who asked a moment before may wait for an answer that was lost as long as a client does, and then asks once more.
 */
const MOVED_MS = 30_000;
/** Share of requests that go where the mount was before, or may be next. */
const ASTRAY = 0.15;

export class MoveWorkload {
  readonly #world: World;
  readonly #options: MoveOptions;
  readonly #random: Random;
  readonly #mounts: Moved[] = [];
  #isStopped = false;
  #running = 0;
  /** Moves that returned. */
  moves = 0;

  constructor(world: World, options: MoveOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('moves');
    const before = world.membershipChanged;
    world.membershipChanged = () => {
      before?.();
      for (const mount of this.#mounts) this.#everywhere(mount);
    };
  }

  get isOver(): boolean {
    return this.#running === 0;
  }

  /** All mounts are there to be used. */
  get isReady(): boolean {
    return this.#mounts.length === this.#options.mounts;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 0; n < this.#options.movers; n++) {
      const client = this.#world.client(`m${n}`);
      this.#running++;
      this.#world.drive(client.process, async () => {
        if (n === 0) await this.#prepare(client, nodeFor);
        while (!this.#isStopped) {
          await client.sleep(this.#random.between(...this.#options.pauseMs));
          const still = this.#mounts.filter(({ isMoving }) => !isMoving);
          if (this.isReady && still.length > 0 && !this.#isStopped)
            await this.#move(client, nodeFor, this.#random.pick(still));
        }
        this.#running--;
      });
    }
  }

  /** No further move begins. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Where a client asks for `key` this time. */
  visit(key: string): Visit {
    const mount = this.#mounts[Number(/\d+/.exec(key)![0]) % this.#options.mounts]!;
    const { places } = mount;
    const isAstray = !this.isOver && this.#random.chance(ASTRAY);
    const settled = places.findLast(({ sinceMs }) => sinceMs !== undefined)!;
    const place = isAstray ? this.#random.pick(places.slice(-3)) : settled;
    return {
      mount: place.path,
      token: place.token,
      answered: (reply, calledMs) => this.#answered(mount, place, reply, calledMs),
    };
  }

  #answered({ name }: Moved, place: Place, { status, body }: SimReply, calledMs: number): boolean {
    const isThere = !isNoMount(status, body);
    if (status >= 500) return false;
    if (isThere && place.leftMs !== undefined && place.leftMs < calledMs)
      this.#violated(`I6: ${name} was found at ${place.path}, which it had left`);
    const stayed = place.sinceMs !== undefined && place.sinceMs < calledMs && place.leavingMs === undefined;
    if (!isThere && stayed) this.#violated(`I6: ${name} was not found at ${place.path}, where it was moved`);
    return !isThere;
  }

  async #prepare(client: SimClient, nodeFor: () => SimNode): Promise<void> {
    for (const path of NAMESPACES.slice(1))
      await this.#done(client, nodeFor, write(`sys/namespaces/${path.slice(0, -1)}`, {}));
    for (let n = 0; n < this.#options.mounts; n++) {
      const name = `mount${n}`;
      const place = await this.#place(client, nodeFor, `${name}-0/`);
      const body = { type: 'kv', options: { version: '2' } };
      await this.#done(client, nodeFor, write(`sys/mounts/${name}-0`, body), 'already in use');
      place.sinceMs = this.#world.scheduler.nowMs;
      this.#mounts.push({ name, places: [place], isMoving: false, moves: 0 });
    }
  }

  /** A path, and a token for it. */
  async #place(client: SimClient, nodeFor: () => SimNode, path: string): Promise<Place> {
    const made = await this.#done(client, nodeFor, write('auth/token/create', { policies: ['root'] }));
    const { client_token: token, accessor } = made.body.auth;
    return { path, token, accessor, sinceMs: undefined, leavingMs: undefined, leftMs: undefined };
  }

  async #move(client: SimClient, nodeFor: () => SimNode, mount: Moved): Promise<void> {
    mount.isMoving = true;
    const from = mount.places.at(-1)!;
    const to = await this.#place(
      client,
      nodeFor,
      `${this.#random.pick(NAMESPACES)}${mount.name}-${++mount.moves}/`,
    );
    mount.places.push(to);
    from.leavingMs = this.#world.scheduler.nowMs;
    const request = write('sys/remount', { from: from.path, to: to.path });
    for (;;) {
      const heard = await client.ask(nodeFor(), request);
      const answer = heard.kind === 'reply' ? heard.reply : undefined;
      if (answer?.status === 200) {
        from.leftMs = to.sinceMs = this.#world.scheduler.nowMs;
        this.moves++;
        this.#everywhere(mount);
        break;
      }
      // An earlier try has done it, and may not have told everybody yet: nothing is asked of where it is until it has moved again.
      if (answer?.status === 400 && String(answer.body?.errors).includes('no matching mount')) {
        to.sinceMs = Number.POSITIVE_INFINITY;
        break;
      }
      if (answer && answer.status < 500)
        throw new Error(`a move was answered ${answer.status} ${JSON.stringify(answer.body)}`);
      if (this.#isOverdue(from.leavingMs)) {
        this.#violated(`I14: ${mount.name} could not be moved though faults had ended`);
        break;
      }
      await client.sleep(this.#random.between(20, AGAIN_MS));
    }
    mount.isMoving = false;
  }

  #isOverdue(sinceMs: number): boolean {
    const { faultsEndedMs, scheduler } = this.#world;
    return faultsEndedMs !== undefined && scheduler.nowMs - Math.max(sinceMs, faultsEndedMs) > MOVED_MS;
  }

  /** Asked again until it is done. @param isDone - what the refusal says where an earlier try has done it. */
  async #done(
    client: SimClient,
    nodeFor: () => SimNode,
    request: SimRequest,
    isDone?: string,
  ): Promise<SimReply> {
    for (;;) {
      const heard: Heard = await client.ask(nodeFor(), request);
      if (heard.kind === 'reply' && heard.reply.status < 500) {
        const { status, body } = heard.reply;
        if (status < 300 || (isDone !== undefined && String(body?.errors).includes(isDone)))
          return heard.reply;
        throw new Error(`${request.path} was answered ${status} ${JSON.stringify(body)}`);
      }
      await client.sleep(AGAIN_MS);
    }
  }

  /** I12: whoever may answer has the mount where it was moved to, and nowhere else; a node that joins, from the turn on in which it may. */
  #everywhere({ name, places, isMoving }: Moved): void {
    const { nodes } = this.#world;
    const last = places.at(-1)!;
    if (isMoving && last.leftMs === undefined && last.sinceMs === undefined) return;
    for (const { process, member, server, isOpen } of nodes) {
      if (!process.isAlive || !isOpen || !member?.isInTime() || !server?.spaces) continue;
      for (const { path, sinceMs, leavingMs, leftMs } of places.slice(-4)) {
        const isThere = this.#isAt(server.spaces, path);
        if (leftMs !== undefined && isThere) this.#violated(`I12: ${process.name} has ${name} at ${path}`);
        const isSettled = sinceMs !== undefined && Number.isFinite(sinceMs) && leavingMs === undefined;
        if (isSettled && !isThere) this.#violated(`I12: ${process.name} does not have ${name} at ${path}`);
      }
    }
  }

  #isAt({ mounts, namespaces }: NonNullable<SimNode['server']>['spaces'] & object, path: string): boolean {
    const above = namespaces.at(path.slice(0, path.indexOf('/') + 1));
    const [id, rest] = above ? [above.id, path.slice(above.path.length)] : ['root', path];
    return mounts.of(id).at(rest) !== undefined;
  }

  #violated(what: string): void {
    const { violations, scheduler } = this.#world;
    if (violations.length === 0) violations.push(what.replace(': ', `: at ${scheduler.nowMs.toFixed(1)} `));
  }

  /** Once all is calm: nothing is found where a mount has left, through any node. */
  async readLeft(client: SimClient): Promise<void> {
    for (const { name, places } of this.#mounts) {
      for (const { path } of places.filter(({ leftMs }) => leftMs !== undefined)) {
        for (const node of this.#world.nodes) {
          const heard = await client.ask(node, { verb: 'list', path: `${path}metadata`, token: ROOT_TOKEN });
          if (heard.kind !== 'reply' || heard.reply.status >= 500) continue;
          if (!isNoMount(heard.reply.status, heard.reply.body))
            this.#violated(`I6: ${name} was found at ${path} after all was over`);
        }
      }
    }
  }

  /** I6: nothing starts that was asked for where the mount had left. */
  check(): string[] {
    const places = new Map(
      this.#mounts.flatMap((mount) => mount.places.map((place) => [place.accessor, place])),
    );
    for (const { accessor, atMs, node } of this.#world.starts) {
      const place = places.get(accessor);
      if (place?.leftMs === undefined || atMs <= place.leftMs) continue;
      return [
        `I6: ${node} started something at ${atMs.toFixed(1)} at ${place.path}, left since ${place.leftMs.toFixed(1)}`,
      ];
    }
    return [];
  }
}

function write(path: string, body: object): SimRequest {
  return { verb: 'update', path, token: ROOT_TOKEN, body };
}

function isNoMount(status: number, body: { errors?: unknown } | undefined): boolean {
  return status === 404 && String(body?.errors).includes('no handler for route');
}
