/**
 * Nodes of one cluster below `sys/cluster`: real post, admissions, control, secret files and store head; the membership is a table that the test
 * sets, the store is memory.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SHARDS } from '../../src/actors/places.ts';
import { type Admissions, makeAdmissions } from '../../src/cluster/admissions.ts';
import { SECTIONS } from '../../src/cluster/catalog-section.ts';
import { makeClusterControl, type OwnControl } from '../../src/cluster/control.ts';
import type { HeldSection } from '../../src/cluster/control-parts.ts';
import { makeAloneCoordinator } from '../../src/cluster/coordinators/alone.ts';
import { encodeMember, type MemberRecord, memberKey } from '../../src/cluster/member-record.ts';
import { makePost } from '../../src/cluster/post.ts';
import { newClusterSecret, readClusterSecrets } from '../../src/cluster/transport/secret.ts';
import type { View } from '../../src/cluster/view.ts';
import { actorKey } from '../../src/model/actor.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Coordinator } from '../../src/model/coordinator.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import { type MemoryStorage, makeMemoryStorage } from './memory-storage.ts';
import { makePostOffice, type PostOffice } from './post-office.ts';
import { testFolder } from './test-folder.ts';

export interface ControlNode {
  readonly name: string;
  readonly peer: string;
  readonly inc: string;
  readonly control: OwnControl;
  readonly admissions: Admissions;
  readonly secretFile: string;
  secrets(): string[];
  /** What is true of it: to be set. */
  isSealed: boolean;
  isInTime: boolean;
  isDraining: boolean;
  readonly active: Set<string>;
  readonly replicas: Set<string>;
  readonly applied: Map<string, HeldSection>;
  readonly fences: Map<number, { path: string; version: number }>;
  reconsidered: number;
  remembered: number;
}

export interface ControlWorld {
  readonly office: PostOffice;
  readonly coordinator: Coordinator;
  readonly storage: MemoryStorage;
  readonly stored: Map<string, HeldSection>;
  readonly nodes: readonly ControlNode[];
  node(name: string): ControlNode;
  view: View;
  readonly records: Map<string, MemberRecord>;
  /** Node id of where a read of an actor runs, unless there is a replica; or what it fails with. */
  touched: string | Error;
  /** Those of whom nothing is heard. */
  readonly silent: Set<string>;
  /** Moves time on, until `work` is done. */
  run<T>(work: Promise<T>): Promise<T>;
}

export function peerOf(name: string): string {
  const letters = createHash('sha256').update(name).digest('hex').replaceAll('0', 'z');
  return `12D3KooW${letters.slice(0, 44)}`;
}

export async function makeControlWorld(
  names: readonly string[] = ['a', 'b', 'c'],
  { approve = false } = {},
): Promise<ControlWorld> {
  const office = makePostOffice();
  const coordinator = makeAloneCoordinator();
  const storage = makeMemoryStorage();
  const folder = testFolder('control');
  const incOf = (name: string) => createHash('md5').update(name).digest('hex');
  const members = names.map((name) => ({ inc: incOf(name), nodeId: name, weight: 1 }));
  let nowMs = 1_000;
  const timers = new Set<{ at: number; run: () => void }>();
  const clock: Clock = {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after(run, ms) {
      const timer = { at: nowMs + ms, run };
      timers.add(timer);
      return { clear: () => void timers.delete(timer) };
    },
  };
  const section = (seq: number): HeldSection => ({ seq, entries: new Map([['key', { a: seq, b: [1] }]]) });
  const world: ControlWorld = {
    office,
    coordinator,
    storage,
    stored: new Map(SECTIONS.map((name) => [name, section(3)])),
    nodes: [],
    node: (name) => world.nodes.find((one) => one.name === name)!,
    view: {
      epoch: 5,
      last: 5,
      members,
      shards: Array.from({ length: SHARDS }, (_, shard) => members[shard % members.length]!.inc),
      next: undefined,
      protocol: 1,
      sealed: false,
    },
    records: new Map(),
    touched: 'b',
    silent: new Set(),
    async run(work) {
      let isDone = false;
      const end = () => {
        isDone = true;
      };
      work.then(end, end);
      for (let turn = 0; turn < 2_000 && !isDone; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        nowMs += 25;
        for (const timer of [...timers]) {
          if (timer.at > nowMs) continue;
          timers.delete(timer);
          timer.run();
        }
      }
      return work;
    },
  };
  const secret = newClusterSecret(randomBytes);
  const nodes = world.nodes as ControlNode[];
  for (const [n, name] of names.entries()) {
    const [peer, inc] = [peerOf(name), incOf(name)];
    const record: MemberRecord = {
      nodeId: name,
      peerId: peer,
      addresses: [],
      apiAddress: `http://${name}:8200`,
      clusterAddress: `https://${name}:8201`,
      weight: 1,
      zone: '',
      speaks: [1, 1],
      release: '0.1.0',
      storageId: 's',
      beat: 1,
      state: 'member',
      ready: true,
      ack: 0,
      unreachable: [],
      sealed: false,
      clusterTime: 0,
    };
    world.records.set(inc, record);
    await coordinator.step({
      conditions: [],
      changes: [{ key: memberKey(inc), value: encodeMember(record) }],
    });
    const secretFile = join(folder, `${name}.secret`);
    writeFileSync(secretFile, `# ours\n${secret}\n`, { mode: 0o600 });
    const admissions = makeAdmissions({
      ...{ clock, coordinator, own: peer, nodeId: name, approve, log: SILENT_LOG },
      changed: () => {},
    });
    const fences = new Map<number, { path: string; version: number }>();
    for (let shard = n; shard < SHARDS; shard += names.length * 16) {
      const path = `fence/${shard}`;
      fences.set(shard, { path, version: await storage.commit([{ path, value: Buffer.from('f') }], []) });
    }
    const made: ControlNode = {
      name,
      peer,
      inc,
      admissions,
      secretFile,
      secrets: () => readClusterSecrets(secretFile).map((one) => Buffer.from(one).toString('base64')),
      isSealed: false,
      isInTime: true,
      isDraining: false,
      active: new Set(),
      replicas: new Set(),
      applied: new Map(SECTIONS.map((one) => [one, section(3)])),
      fences,
      reconsidered: 0,
      remembered: 0,
      control: makeClusterControl({
        ...{
          nodeId: name,
          clock,
          coordinator,
          log: SILENT_LOG,
          admissions,
          storage,
          secretFile,
          randomBytes,
        },
        post: makePost({ transport: office.connect(peer) }),
        membership: () => ({
          inc: () => inc,
          view: () => world.view,
          members: () => world.records,
          isBeating: (other) => !world.silent.has(other),
          silenceMs: (other) => (world.silent.has(other) ? 1_500 : 10),
          isInTime: () => made.isInTime,
          publish: () => {},
        }),
        shards: {
          held: () => [...made.fences.keys()],
          isHeld: (shard) => made.fences.has(shard),
          fence: (shard) => made.fences.get(shard),
        },
        grants: {
          counts: () => ({ held: made.replicas.size, given: 0 }),
          peek: (key) =>
            made.replicas.has(key) ? { state: {}, goodUntilMs: nowMs + 500, version: 1 } : undefined,
        },
        catalog: {
          applied: (one) => made.applied.get(one)!,
          sequences: () => SECTIONS.map((one) => made.applied.get(one)!.seq),
        },
        readStored: async (one) => world.stored.get(one)!,
        async touch(id) {
          if (world.touched instanceof Error) throw world.touched;
          return made.replicas.has(actorKey(id)) ? name : world.touched;
        },
        activeCount: () => made.active.size,
        isActive: (key) => made.active.has(key),
        isSealed: () => made.isSealed,
        isDraining: () => made.isDraining,
        async drain() {
          made.isDraining = true;
        },
        secretsChanged: () => void made.reconsidered++,
        head: {
          check: async () => (made.remembered > 7 ? 'the store was put back' : undefined),
          async accept() {
            made.remembered = 7;
          },
          isPutBack: () => made.remembered > 7,
          kind: undefined as never,
          operations: [],
          begin: async () => {},
        },
      }),
    };
    nodes.push(made);
  }
  // The first one finds the records of all.
  for (const { admissions } of nodes) await admissions.start();
  return world;
}

/** What a file says, comments too. */
export function textOf(file: string): string {
  return readFileSync(file, 'utf8');
}
