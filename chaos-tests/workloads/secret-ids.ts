/**
 * Clients that make secret ids of an AppRole, and clients that log in with them at all nodes at once (protocol §20: I9): each is used as often
 * as it may be and never more often, over every take-over, and not at all once it is over.
 *
 * @module
 */
import { limitedUses, type SecretIdInput, type SecretIdOutput } from '../checkers/limited-uses.ts';
import { checkLinearizable, type Operation } from '../checkers/wgl.ts';
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN, type SimReply, type SimRequest } from '../sim/server.ts';
import type { Heard, SimClient, SimNode, World } from '../sim/world.ts';

export interface SecretIdOptions {
  readonly clients: number;
  readonly operations: number;
}

interface Asked {
  readonly input: SecretIdInput;
  readonly calledAt: number;
  output: SecretIdOutput | undefined;
  returnedAt: number | undefined;
}

interface SecretId {
  readonly text: string;
  readonly role: string;
  /** Seconds; 0: for ever. */
  readonly ttl: number;
  readonly asked: Asked[];
  unknown: number;
}

/** In use at one time. */
const KNOWN = 6;
const ROLES = ['r0', 'r1', 'r2'];
const MAKES = 0.2;
/** Of what clients begin, this share is to wait for an end. */
const OUTLIVES = 0.02;
const ENDS = 0.02;
/** How often one may be used: mostly once. */
const USES = [1, 1, 1, 2, 3, 5];
const TTL_SECONDS = [0, 0, 0, 4, 12];
const ENDING_SECONDS = [4, 6, 12];
/** One is left for a fresh one after so many of unknown outcome: each of them doubles what may have been. */
const UNKNOWN_PER_ID = 4;
const ASKED_PER_ID = 14;
const REFUSED_MS = 250;
/** By how much nodes may differ about how much time has passed: clocks that run by 5 % otherwise, and begin apart. */
const EARLY_SHARE = 0.1;
const EARLY_MS = 2_000;
/** By how much an end may come later than it should, by true time: clocks run slow, and an owner's may be behind the one before. */
const LATE_SHARE = 0.12;
const LATE_MS = 1_500;

export class SecretIdWorkload {
  readonly #world: World;
  readonly #options: SecretIdOptions;
  readonly #random: Random;
  /** Those that are made. */
  readonly #roles: string[] = [];
  readonly #made: SecretId[] = [];
  /** Those that clients choose from. */
  readonly #known: SecretId[] = [];
  #left: number;
  #running = 0;

  constructor(world: World, options: SecretIdOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork('secret ids');
    this.#left = options.operations;
  }

  /** Nothing more is asked. */
  stop(): void {
    this.#left = 0;
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  /** That were let in. */
  get logins(): number {
    return this.#made.flatMap(({ asked }) => asked.filter(({ output }) => output === 'in')).length;
  }

  start(nodeFor: () => SimNode): void {
    for (let n = 1; n <= this.#options.clients; n++) {
      const client = this.#world.client(`s${n}`);
      this.#running++;
      this.#world.drive(client.process, async () => {
        if (n <= ROLES.length) await this.#makeRole(client, nodeFor, ROLES[n - 1]!);
        while (this.#left-- > 0) {
          await this.#step(client, nodeFor);
          await client.sleep(this.#random.between(0, 150));
        }
        this.#running--;
      });
    }
  }

  async #makeRole(client: SimClient, nodeFor: () => SimNode, role: string): Promise<void> {
    const path = `auth/approle/role/${role}`;
    const body = { role_id: `id-of-${role}` };
    for (;;) {
      const heard = await client.ask(nodeFor(), { verb: 'update', path, token: ROOT_TOKEN, body });
      if (heard.kind === 'reply' && heard.reply.status < 300) return void this.#roles.push(role);
      await client.sleep(REFUSED_MS);
    }
  }

  async #step(client: SimClient, nodeFor: () => SimNode): Promise<void> {
    const node = nodeFor();
    if (this.#roles.length === 0) {
      this.#left++;
      return client.sleep(REFUSED_MS);
    }
    const draw = this.#random.float();
    if (draw < OUTLIVES) return this.#outlive(client, nodeFor);
    if (this.#known.length < KNOWN || draw < MAKES) return this.#make(client, node);
    const secret = this.#random.pick(this.#known);
    if (draw > 1 - ENDS) return this.#ask(client, node, secret, { op: 'end' });
    await this.#ask(client, node, secret, { op: 'login' });
    if (secret.asked.length >= ASKED_PER_ID || secret.unknown >= UNKNOWN_PER_ID) this.#leave(secret);
  }

  async #make(client: SimClient, node: SimNode): Promise<void> {
    const secret = this.#fresh(client, this.#random.pick(TTL_SECONDS));
    // Clients try it while it is being made.
    this.#known.push(secret);
    if (this.#known.length > KNOWN) this.#known.shift();
    await this.#ask(client, node, secret, { op: 'make', uses: this.#random.pick(USES) });
  }

  #fresh(client: SimClient, ttl: number): SecretId {
    const text = `${client.process.name}-${this.#made.length}`;
    const secret: SecretId = { text, role: this.#random.pick(this.#roles), ttl, asked: [], unknown: 0 };
    this.#made.push(secret);
    return secret;
  }

  /** One of its own, tried when it must be good still, and when it must be over. */
  async #outlive(client: SimClient, nodeFor: () => SimNode): Promise<void> {
    const secret = this.#fresh(client, this.#random.pick(ENDING_SECONDS));
    await this.#ask(client, nodeFor(), secret, { op: 'make', uses: 5 });
    const [make] = secret.asked;
    if (make?.returnedAt === undefined) return;
    for (const atMs of [
      earliestEnd(make.calledAt, secret.ttl) - 300,
      latestEnd(make.returnedAt, secret.ttl),
    ]) {
      await client.sleep(Math.max(0, atMs + this.#random.between(0, 300) - this.#world.scheduler.nowMs));
      await this.#ask(client, nodeFor(), secret, { op: 'login' });
    }
  }

  #leave(secret: SecretId): void {
    const at = this.#known.indexOf(secret);
    if (at >= 0) this.#known.splice(at, 1);
  }

  async #ask(client: SimClient, node: SimNode, secret: SecretId, input: SecretIdInput): Promise<void> {
    const calledAt = this.#world.scheduler.nowMs;
    const asked: Asked = { input, calledAt, output: undefined, returnedAt: undefined };
    secret.asked.push(asked);
    const heard: Heard = await client.ask(node, requestOf(secret, input));
    if (heard.kind === 'refused') {
      secret.asked.splice(secret.asked.indexOf(asked), 1);
      if (input.op === 'make') this.#leave(secret);
      // It does not count: asking a node that is down again and again would use up the run.
      this.#left++;
      return client.sleep(REFUSED_MS);
    }
    asked.output = heard.kind === 'reply' ? outputOf(input, heard.reply) : undefined;
    if (asked.output) asked.returnedAt = this.#world.scheduler.nowMs;
    else secret.unknown++;
    if (asked.output === 'in') this.#checkTime(secret, calledAt);
  }

  /** I7: what is over by every clock lets nobody in. */
  #checkTime({ text, ttl, asked }: SecretId, calledAt: number): void {
    const [make] = asked;
    if (ttl === 0 || make?.returnedAt === undefined) return;
    if (calledAt > latestEnd(make.returnedAt, ttl))
      this.#world.violations.push(`I7: ${text} let somebody in at ${calledAt.toFixed(1)}, after its end`);
  }

  /** I9: some order of what happened to each secret id explains every answer. */
  check(): string[] {
    for (const { text, asked, ttl } of this.#made) {
      const operations: Operation<SecretIdInput, SecretIdOutput>[] = [...asked];
      // Its time may come by the first clock that says so, or later.
      if (ttl > 0 && asked[0]) operations.push(unknownEnd(asked[0].calledAt, ttl));
      const verdict = checkLinearizable(limitedUses, operations);
      if (verdict.kind === 'undecided') this.#world.undecided++;
      if (verdict.kind !== 'violation') continue;
      const { output } = verdict.operation;
      return [`I9: a login with ${text} was told '${output}' with ${verdict.states.join(' or ')} uses left`];
    }
    return [];
  }
}

function earliestEnd(madeMs: number, ttl: number): number {
  return madeMs + Math.max(0, ttl * 1_000 * (1 - EARLY_SHARE) - EARLY_MS);
}

function latestEnd(madeMs: number, ttl: number): number {
  return madeMs + ttl * 1_000 * (1 + LATE_SHARE) + LATE_MS;
}

function unknownEnd(calledAt: number, ttl: number): Operation<SecretIdInput, SecretIdOutput> {
  const earliest = earliestEnd(calledAt, ttl);
  return { input: { op: 'end' }, output: undefined, calledAt: earliest, returnedAt: undefined };
}

function requestOf({ text, role, ttl }: SecretId, input: SecretIdInput): SimRequest {
  const verb = 'update';
  const token = ROOT_TOKEN;
  const secret_id = text;
  switch (input.op) {
    case 'make': {
      const body = { secret_id, num_uses: input.uses, ttl };
      return { verb, path: `auth/approle/role/${role}/custom-secret-id`, token, body };
    }
    case 'login':
      return {
        verb,
        path: 'auth/approle/login',
        token: '',
        body: { role_id: `id-of-${role}`, secret_id },
      };
    case 'end':
      return { verb, path: `auth/approle/role/${role}/secret-id/destroy`, token, body: { secret_id } };
  }
}

function outputOf({ op }: SecretIdInput, { status, body }: SimReply): SecretIdOutput | undefined {
  if (status >= 500) return undefined;
  if (op === 'login' && status === 200) return 'in';
  if (op === 'login' && status === 400 && String(body?.errors).includes('invalid role or secret ID'))
    return 'refused';
  if (op !== 'login' && status < 300) return 'done';
  throw new Error(`${op} of a secret id was answered ${status} ${JSON.stringify(body)}`);
}
