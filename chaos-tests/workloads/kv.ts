/**
 * Clients that read, write, check-and-set and delete a few paths of a KV mount, and what is asked of their history (protocol §20: I1, I8).
 *
 * @module
 */
import type { History, HistoryEntry } from '../checkers/history.ts';
import { type KvInput, type KvOutput, versionedKv } from '../checkers/versioned-kv.ts';
import { checkLinearizable, type Operation } from '../checkers/wgl.ts';
import { VERSIONS_MAX } from '../sim/mounts.ts';
import type { Random } from '../sim/random.ts';
import { ROOT_TOKEN, type SimReply, type SimRequest } from '../sim/server.ts';
import type { Heard, SimClient, SimNode, World } from '../sim/world.ts';

export interface KvOptions {
  readonly clients: number;
  /** Paths in use at one time. */
  readonly keys: number;
  /** Of all clients together. */
  readonly operations: number;
  /** Between two operations of a client. */
  readonly pauseMs: readonly [number, number];
  /** Share of reads. */
  readonly reads?: number;
  /** Share of changes that are deletions of all there is of a path. */
  readonly forgets?: number;
  /** A path is left for a fresh one after so many. */
  readonly operationsPerKey?: number;
  /** Where a path is asked for, this time; in `secret/`, by everybody's root token, where absent. */
  where?(key: string): Visit;
  /** False: there is nothing to be asked yet. */
  isReady?(): boolean;
}

/** A mount as a client finds it for one request. */
export interface Visit {
  /** Its path. */
  readonly mount: string;
  readonly token: string;
  /** Told of the reply before it is judged. True: it says that nothing is there, so that nothing was done. */
  answered(reply: SimReply, calledMs: number): boolean;
}

/** A path is left for a fresh one after so many operations; or changes of unknown outcome: each of them doubles what may have been. */
const OPERATIONS_PER_KEY = 60;
const UNKNOWN_PER_KEY = 5;
const READS = 0.4;
const FORGETS = 0.16;
/** A change that hangs for so long will hardly be known. */
const HANGS_MS = 2_200;
const REFUSED_MS = 250;
const SECRET = { mount: 'secret/', token: ROOT_TOKEN };

interface Slot {
  name: string;
  generation: number;
  operations: number;
  unknown: number;
  /** When the changes were sent that are under way. */
  readonly sentMs: Set<{ readonly atMs: number }>;
}

type Entry = HistoryEntry<KvInput, KvOutput>;

function requestOf(
  key: string,
  input: KvInput,
  { mount, token }: Pick<Visit, 'mount' | 'token'>,
): SimRequest {
  switch (input.op) {
    case 'put': {
      const options = input.cas === undefined ? {} : { options: { cas: input.cas } };
      return {
        verb: 'update',
        path: `${mount}data/${key}`,
        token,
        body: { data: { v: input.value }, ...options },
      };
    }
    case 'get': {
      const query = input.version === 0 ? {} : { query: { version: String(input.version) } };
      return { verb: 'read', path: `${mount}data/${key}`, token, ...query };
    }
    case 'delete':
      return { verb: 'delete', path: `${mount}data/${key}`, token };
    case 'forget':
      return { verb: 'delete', path: `${mount}metadata/${key}`, token };
  }
}

/** What a reply says; undefined: nothing that can be relied on. */
function outputOf(input: KvInput, { status, body }: SimReply): KvOutput | undefined {
  if (status >= 500) return undefined;
  switch (input.op) {
    case 'put':
      if (status === 200) return { kind: 'written', version: body.data.version };
      if (status === 400 && String(body.errors).includes('did not match')) return { kind: 'mismatch' };
      break;
    case 'get':
      if (status === 200)
        return { kind: 'value', version: body.data.metadata.version, value: body.data.data.v };
      if (status === 404 && body?.data?.metadata)
        return { kind: 'deleted', version: body.data.metadata.version };
      if (status === 404) return { kind: 'nothing' };
      break;
    case 'delete':
    case 'forget':
      if (status === 204) return { kind: 'done' };
  }
  throw new Error(`${input.op} was answered ${status} ${JSON.stringify(body)}`);
}

export class KvWorkload {
  readonly #world: World;
  readonly #options: KvOptions;
  readonly #history: History<KvInput, KvOutput>;
  readonly #random: Random;
  /** Last version that anybody was told of, by path. */
  readonly #known = new Map<string, number>();
  readonly #slots: Slot[];
  #left: number;
  #values = 0;
  #running = 0;

  constructor(world: World, options: KvOptions) {
    this.#world = world;
    this.#options = options;
    this.#history = world.history as History<KvInput, KvOutput>;
    this.#random = world.random.fork('kv');
    this.#left = options.operations;
    this.#slots = Array.from({ length: options.keys }, (_, n) => {
      return { name: `p${n}-0`, generation: 0, operations: 0, unknown: 0, sentMs: new Set() };
    });
  }

  /** Nothing more is asked. */
  stop(): void {
    this.#left = 0;
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  /** @param nodeFor - where a client asks for a path next. */
  start(nodeFor: (key: string) => SimNode): void {
    for (let n = 1; n <= this.#options.clients; n++) {
      const client = this.#world.client(`k${n}`);
      this.#running++;
      this.#world.drive(client.process, async () => {
        while (this.#left > 0) {
          if (this.#options.isReady?.() === false) {
            await client.sleep(REFUSED_MS);
            continue;
          }
          this.#left--;
          const slot = this.#slot();
          const { name } = slot;
          const input = this.#input(name);
          const sent = { atMs: this.#world.scheduler.nowMs };
          if (input.op !== 'get') slot.sentMs.add(sent);
          const { outcome } = await this.#ask(client, nodeFor(name), name, input);
          slot.sentMs.delete(sent);
          if (input.op !== 'get' && outcome === 'unknown' && slot.name === name) slot.unknown++;
          // A node that is down refuses at once: asking it again and again would use up the run.
          if (outcome === 'none') this.#left++;
          await client.sleep(
            outcome === 'none' ? REFUSED_MS : this.#random.between(...this.#options.pauseMs),
          );
        }
        this.#running--;
      });
    }
  }

  /** Reads every version of every path once all is calm: what was acknowledged must be there (I2). */
  async readAll(client: SimClient, nodeFor: (key: string) => SimNode): Promise<void> {
    for (const key of new Set(this.#history.entries.map((entry) => entry.key))) {
      for (const version of [0, this.#known.get(key) ?? 0]) {
        const entry = await this.#ask(client, nodeFor(key), key, { op: 'get', version });
        if (entry.outcome !== 'ok')
          this.#world.violations.push(`I14: ${key} is not served after the faults ended`);
      }
    }
  }

  #slot(): Slot {
    const slot = this.#random.pick(this.#slots);
    const { nowMs } = this.#world.scheduler;
    const hanging = [...slot.sentMs].filter(({ atMs }) => nowMs - atMs > HANGS_MS).length;
    if (
      slot.operations >= (this.#options.operationsPerKey ?? OPERATIONS_PER_KEY) ||
      slot.unknown + hanging >= UNKNOWN_PER_KEY
    ) {
      slot.generation++;
      slot.name = `${slot.name.slice(0, slot.name.indexOf('-'))}-${slot.generation}`;
      slot.operations = 0;
      slot.unknown = 0;
      slot.sentMs.clear();
    }
    slot.operations++;
    return slot;
  }

  #input(key: string): KvInput {
    const random = this.#random;
    const known = this.#known.get(key) ?? 0;
    const { reads = READS } = this.#options;
    const draw = random.float();
    if (draw < reads)
      return { op: 'get', version: random.chance(0.3) ? Math.max(0, known - random.int(3)) : 0 };
    const change = (draw - reads) / (1 - reads);
    const { forgets = FORGETS } = this.#options;
    if (change < 0.9 - forgets) {
      const cas = random.chance(0.4) ? Math.max(0, known - random.int(2)) : undefined;
      return { op: 'put', value: `v${++this.#values}`, cas };
    }
    return change < 1 - forgets ? { op: 'delete' } : { op: 'forget' };
  }

  async #ask(client: SimClient, node: SimNode, key: string, input: KvInput): Promise<Entry> {
    const { scheduler } = this.#world;
    const visit = this.#options.where?.(key);
    const calledMs = scheduler.nowMs;
    const entry = this.#history.call(client.process.name, key, input, calledMs);
    const heard: Heard = await client.ask(node, requestOf(key, input, visit ?? SECRET));
    const isElsewhere = heard.kind === 'reply' && visit?.answered(heard.reply, calledMs) === true;
    const output = heard.kind === 'reply' && !isElsewhere ? outputOf(input, heard.reply) : undefined;
    const outcome = heard.kind === 'refused' || isElsewhere ? 'none' : output ? 'ok' : 'unknown';
    this.#history.back(entry, outcome, output, scheduler.nowMs);
    if (output?.kind === 'written' || output?.kind === 'value') this.#known.set(key, output.version);
    return entry;
  }
}

/** I1 and I8 for each path: some order of what happened explains every answer. `undecided`: paths of which that could not be told. */
export function checkKv(
  history: History<KvInput, KvOutput>,
  versionsMax = VERSIONS_MAX,
): { violations: string[]; undecided: number } {
  const byKey = new Map<string, Operation<KvInput, KvOutput>[]>();
  for (const { key, input, output, outcome, calledAt, returnedAt } of history.entries) {
    if (outcome === 'none') continue;
    if (outcome !== 'ok' && input.op === 'get') continue;
    const operations = byKey.get(key) ?? [];
    operations.push({ input, output, calledAt, returnedAt: outcome === 'ok' ? returnedAt : undefined });
    byKey.set(key, operations);
  }
  const violations: string[] = [];
  let undecided = 0;
  for (const [key, operations] of byKey) {
    const verdict = checkLinearizable(versionedKv(versionsMax), operations);
    if (verdict.kind === 'undecided') undecided++;
    if (verdict.kind !== 'violation') continue;
    const { input, output } = verdict.operation;
    const seen = `${JSON.stringify(input)} answered ${JSON.stringify(output)}`;
    violations.push(`I1: ${key}: ${seen}, which could have been ${verdict.states.join(' or ')}`);
  }
  return { violations, undecided };
}
