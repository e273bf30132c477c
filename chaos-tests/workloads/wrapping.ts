/**
 * Clients that have replies laid aside, and clients that open them at all nodes at once (protocol §20: I9): each is opened once, and not lost.
 *
 * @module
 */
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN } from '../sim/server.ts';
import type { SimClient, SimNode, World } from '../sim/world.ts';

export interface WrappingOptions {
  readonly clients: number;
  readonly operations: number;
}

interface Wrapped {
  readonly token: string;
  readonly content: string;
  opened: number;
  refused: number;
  unknown: number;
}

/** Those that clients choose from: the newest. */
const KNOWN_MAX = 5;
const TTL_SECONDS = 86_400;
const REFUSED_MS = 250;

export class WrappingWorkload {
  readonly #world: World;
  readonly #options: WrappingOptions;
  readonly #random: Random;
  readonly #wrapped: Wrapped[] = [];
  #left: number;
  #running = 0;

  constructor(world: World, options: WrappingOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('wrapping');
    this.#left = options.operations;
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 1; n <= this.#options.clients; n++) {
      const client = this.#world.client(`w${n}`);
      this.#running++;
      this.#world.drive(client.process, async () => {
        while (this.#left-- > 0) {
          const known = this.#wrapped.slice(-KNOWN_MAX);
          if (known.length < KNOWN_MAX || this.#random.chance(0.25)) await this.#wrap(client, nodeFor());
          else await this.#open(client, nodeFor(), this.#random.pick(known));
          await client.sleep(this.#random.between(0, 150));
        }
        this.#running--;
      });
    }
  }

  async #wrap(client: SimClient, node: SimNode): Promise<void> {
    const content = `${client.process.name}-${this.#left}`;
    const heard = await client.ask(node, {
      verb: 'update',
      path: 'sys/wrapping/wrap',
      token: ROOT_TOKEN,
      body: { content },
      wrapTtlSeconds: TTL_SECONDS,
    });
    if (heard.kind === 'refused') return this.#refused(client);
    if (heard.kind !== 'reply' || heard.reply.status >= 500) return;
    const token = heard.reply.body.wrap_info?.token;
    if (typeof token !== 'string') throw new Error(`a wrap was answered ${JSON.stringify(heard.reply)}`);
    this.#wrapped.push({ token, content, opened: 0, refused: 0, unknown: 0 });
  }

  async #open(client: SimClient, node: SimNode, wrapped: Wrapped): Promise<void> {
    const { token } = wrapped;
    // With a token of one's own, or with the wrapping token itself.
    const who = this.#random.chance(0.6) ? { token: ROOT_TOKEN, body: { token } } : { token, body: {} };
    const heard = await client.ask(node, { verb: 'update', path: 'sys/wrapping/unwrap', ...who });
    if (heard.kind === 'refused') return this.#refused(client);
    if (heard.kind !== 'reply' || heard.reply.status >= 500) {
      wrapped.unknown++;
      return;
    }
    const { status, body } = heard.reply;
    if (status !== 200 && status !== 400 && status !== 403)
      throw new Error(`an unwrap was answered ${status} ${JSON.stringify(body)}`);
    if (status !== 200) wrapped.refused++;
    else if (body.data.content === wrapped.content) wrapped.opened++;
    else throw new Error(`an unwrap of ${wrapped.content} was answered ${JSON.stringify(body)}`);
  }

  /** It does not count: asking a node that is down again and again would use up the run. */
  async #refused(client: SimClient): Promise<void> {
    this.#left++;
    await client.sleep(REFUSED_MS);
  }

  check(): string[] {
    const twice = this.#wrapped.find(({ opened }) => opened > 1);
    if (twice) return [`I9: ${twice.content} was opened ${twice.opened} times`];
    const lost = this.#wrapped.find(
      ({ opened, refused, unknown }) => opened === 0 && refused > 0 && unknown === 0,
    );
    return lost ? [`I2: ${lost.content} was refused, and nobody has opened it`] : [];
  }
}
