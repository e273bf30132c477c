/**
 * Clients that log in with right and wrong passwords at all nodes at once, and what is asked of that (protocol §20: I9): failures are counted
 * together and exactly, over every take-over.
 *
 * @module
 */
import type { LoginInput, LoginOutput } from '../checkers/lockout.ts';
import { lockout } from '../checkers/lockout.ts';
import { checkLinearizable, type Operation } from '../checkers/wgl.ts';
import { LOCKED_AFTER } from '../sim/mounts.ts';
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN, type SimReply } from '../sim/server.ts';
import type { SimClient, SimNode, World } from '../sim/world.ts';

export interface LoginOptions {
  readonly clients: number;
  readonly operations: number;
}

interface Login extends LoginInput {
  readonly calledAt: number;
  output: LoginOutput | undefined;
  returnedAt: number | undefined;
}

interface User {
  readonly name: string;
  readonly logins: Login[];
  unknown: number;
}

/** Names in use at one time. */
const NAMES = 5;
/** Right ones are rare: most names get locked. */
const RIGHT = 0.2;
/** A name is left for a fresh one after so many, or so many of unknown outcome: each of them doubles what may have been. */
const LOGINS_PER_NAME = 16;
const UNKNOWN_PER_NAME = 4;
const REFUSED_MS = 250;
const PASSWORD = 'right';

export class LoginWorkload {
  readonly #world: World;
  readonly #options: LoginOptions;
  readonly #random: Random;
  readonly #users: User[] = [];
  #left: number;
  #running = 0;

  constructor(world: World, options: LoginOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('logins');
    this.#left = options.operations;
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 1; n <= this.#options.clients; n++) {
      const client = this.#world.client(`l${n}`);
      this.#running++;
      this.#world.drive(client.process, async () => {
        while (this.#left-- > 0) {
          const known = this.#users.slice(-NAMES);
          const isFull = known.length === NAMES && this.#random.chance(0.97);
          if (isFull) await this.#login(client, nodeFor(), this.#random.pick(known));
          else await this.#make(client, nodeFor());
          await client.sleep(this.#random.between(0, 150));
        }
        this.#running--;
      });
    }
  }

  async #make(client: SimClient, node: SimNode): Promise<void> {
    const name = `${client.process.name}-${this.#left}`;
    const body = { password: PASSWORD };
    const heard = await client.ask(node, {
      verb: 'update',
      path: `auth/userpass/users/${name}`,
      token: ROOT_TOKEN,
      body,
    });
    if (heard.kind === 'refused') return this.#refused(client);
    if (heard.kind === 'reply' && heard.reply.status === 204)
      this.#users.push({ name, logins: [], unknown: 0 });
  }

  async #login(client: SimClient, node: SimNode, user: User): Promise<void> {
    if (user.logins.length >= LOGINS_PER_NAME || user.unknown >= UNKNOWN_PER_NAME) {
      this.#users.splice(this.#users.indexOf(user), 1);
      this.#users.unshift(user);
      return;
    }
    const isRight = this.#random.chance(RIGHT);
    const login: Login = {
      isRight,
      calledAt: this.#world.scheduler.nowMs,
      output: undefined,
      returnedAt: undefined,
    };
    user.logins.push(login);
    const heard = await client.ask(node, {
      verb: 'update',
      path: `auth/userpass/login/${user.name}`,
      token: '',
      body: { password: isRight ? PASSWORD : 'wrong' },
    });
    if (heard.kind === 'refused') {
      user.logins.splice(user.logins.indexOf(login), 1);
      return this.#refused(client);
    }
    login.output = heard.kind === 'reply' ? outputOf(heard.reply) : undefined;
    if (login.output) login.returnedAt = this.#world.scheduler.nowMs;
    else user.unknown++;
  }

  /** It does not count: asking a node that is down again and again would use up the run. */
  async #refused(client: SimClient): Promise<void> {
    this.#left++;
    await client.sleep(REFUSED_MS);
  }

  /** I9: some order of the logins of each name explains what each of them was told. */
  check(): string[] {
    for (const { name, logins } of this.#users) {
      const operations = logins.map(
        ({ isRight, output, calledAt, returnedAt }): Operation<LoginInput, LoginOutput> => {
          return { input: { isRight }, output, calledAt, returnedAt };
        },
      );
      const verdict = checkLinearizable(lockout(LOCKED_AFTER), operations);
      if (verdict.kind === 'undecided') this.#world.undecided++;
      if (verdict.kind !== 'violation') continue;
      const { input, output } = verdict.operation;
      const which = input.isRight ? 'the right password' : 'a wrong password';
      return [
        `I9: ${which} for ${name} was told '${output}' after ${verdict.states.join(' or ')} wrong ones`,
      ];
    }
    return [];
  }
}

function outputOf({ status, body }: SimReply): LoginOutput | undefined {
  if (status >= 500) return undefined;
  if (status === 200) return 'in';
  if (status === 403) return 'locked';
  if (status === 400 && String(body?.errors).includes('invalid username or password')) return 'wrong';
  throw new Error(`a login was answered ${status} ${JSON.stringify(body)}`);
}
