/**
 * Processes that encrypt under one keyring in the store, each out of slices that it has debited, crash, seal themselves and begin new keys; and
 * what is asked of that (protocol §20: I9): no key is ever used more often than the store says, nor than it may be.
 *
 * @module
 */
import {
  activeTerm,
  KEYRING_PATH,
  type Keyring,
  openKeyring,
  ROTATION_DEFAULT,
} from '../../src/seal/keyring.ts';
import { type KeyringStore, makeKeyringStore } from '../../src/seal/keyring-store.ts';
import type { Random } from '../sim/random.ts';
import type { SimClient, World } from '../sim/world.ts';

export interface BudgetOptions {
  readonly holders: number;
  readonly operations: number;
}

const ROOT_KEY = Buffer.alloc(32, 7);
/** Encryptions of one key, and of one slice. */
const OPERATIONS_MAX = 500;
const SLICE = 60;
const AT_ONCE_MAX = 20;
const AGAIN_MS = 100;

export class BudgetWorkload {
  readonly #world: World;
  readonly #random: Random;
  /** Encryptions made, by term and when it was begun. */
  readonly #spent = new Map<string, number>();
  #left: number;
  #running = 0;

  constructor(world: World, { holders, operations }: BudgetOptions) {
    this.#world = world;
    this.#random = world.random.fork('budgets');
    this.#left = operations;
    for (let n = 0; n < holders; n++) this.#begin(world.client(`b${n}`), n === 0);
  }

  get isOver(): boolean {
    return this.#running === 0 && this.#left <= 0;
  }

  #begin(client: SimClient, isFirst: boolean): void {
    this.#running++;
    this.#world.drive(client.process, () => this.#live(client, isFirst));
  }

  /** One life of a process; it begins another where it crashes. */
  async #live(client: SimClient, isFirst: boolean): Promise<void> {
    const { process } = client;
    const keys = makeKeyringStore({
      storage: this.#world.store.connect(process, this.#world.connectOptions),
      randomBytes: (bytes) => process.random.bytes(bytes),
      now: () => process.clock.wallMs(),
      slice: SLICE,
      fault() {},
    });
    if (isFirst)
      await keys.create(firstKeyring(process.random), [], { path: 'seal', version: 0 }).catch(() => {});
    while (this.#left-- > 0) {
      const draw = this.#random.float();
      if (draw < 0.02) {
        this.#running--;
        process.crash();
        process.start(() => {});
        return this.#begin(client, false);
      }
      try {
        if (keys.isSealed()) await keys.load(ROOT_KEY);
        else if (draw < 0.06) keys.wipe();
        else if (draw < 0.1) await keys.rotate();
        else if (draw < 0.16) await keys.reload();
        else await this.#encrypt(keys);
      } catch {
        await client.sleep(AGAIN_MS);
      }
      await client.sleep(this.#random.between(0, 40));
    }
    this.#running--;
  }

  /** As the barrier does: what is in hand is used in the turn in which it is. */
  async #encrypt(keys: KeyringStore): Promise<void> {
    const count = 1 + this.#random.int(AT_ONCE_MAX);
    const waiting = keys.reserve(count);
    if (waiting) await waiting;
    const { term, key } = activeTerm(keys.current());
    const name = `${term} ${Buffer.from(key).toString('hex')}`;
    for (let n = 0; n < count; n++) {
      keys.spend();
      this.#spent.set(name, (this.#spent.get(name) ?? 0) + 1);
    }
  }

  check(): string[] {
    const stored = this.#world.store.records.get(KEYRING_PATH);
    if (!stored) return ['I14: there is no keyring'];
    const debited = new Map<string, number>();
    for (const { term, key, encryptions } of openKeyring(ROOT_KEY, stored.value).terms) {
      debited.set(`${term} ${Buffer.from(key).toString('hex')}`, encryptions);
      if (encryptions > OPERATIONS_MAX)
        return [`I9: ${encryptions} encryptions were debited from key ${term}, which has ${OPERATIONS_MAX}`];
    }
    for (const [name, spent] of this.#spent) {
      const [term] = name.split(' ');
      const said = debited.get(name);
      if (said === undefined) return [`I9: key ${term}, which is not in the store, was used ${spent} times`];
      if (spent > said) return [`I9: key ${term} was used ${spent} times, and ${said} were debited`];
    }
    return [];
  }
}

function firstKeyring(random: Random): Keyring {
  return {
    rootKey: Buffer.from(ROOT_KEY),
    namesKey: random.bytes(32),
    terms: [{ term: 1, key: random.bytes(32), installedAtMs: 1_000, encryptions: 0 }],
    rotation: { ...ROTATION_DEFAULT, operationsMax: OPERATIONS_MAX },
  };
}
