import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ADMISSION_KEY,
  decodeAdmission,
  encodeAdmission,
  isPeerId,
} from '../../src/cluster/admission-record.ts';
import { type Admissions, makeAdmissions } from '../../src/cluster/admissions.ts';
import { makeAloneCoordinator } from '../../src/cluster/coordinators/alone.ts';
import { encodeMember, memberKey, type NodeState } from '../../src/cluster/member-record.ts';
import { BadRecord } from '../../src/cluster/record-fields.ts';
import type { Coordinator } from '../../src/model/coordinator.ts';
import { CodedError } from '../../src/model/errors.ts';
import { ADMISSION_LOOK_MS } from '../../src/model/limits.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { nodeDescription } from '../support/node-description.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

function node(coordinator: Coordinator, own: string, { approve = false } = {}) {
  const clock = makeManualClock();
  let changes = 0;
  let barred = 0;
  const admissions = makeAdmissions({
    clock,
    coordinator,
    own,
    nodeId: `node of ${own}`,
    approve,
    log: SILENT_LOG,
    changed: () => void changes++,
    barred: () => void barred++,
  });
  return { admissions, clock, changes: () => changes, barred: () => barred };
}

async function member(coordinator: Coordinator, n: number, state: NodeState): Promise<void> {
  const value = encodeMember({
    ...nodeDescription(`n${n}`, { peerId: `p${n}` }),
    beat: 1,
    state,
    ready: true,
    ack: 0,
    unreachable: [],
    sealed: false,
    clusterTime: 0,
  });
  const key = memberKey(String(n).repeat(32));
  assert.equal((await coordinator.step({ conditions: [], changes: [{ key, value }] })).outcome, 'ok');
}

async function started(admissions: Admissions): Promise<void> {
  await admissions.start();
}

test('nobody is admitted before the record was read; then everybody who is not barred', async () => {
  const { admissions } = node(makeAloneCoordinator(), 'p1');
  assert.equal(admissions.isAdmitted('p2'), false);
  await started(admissions);
  assert.equal(admissions.isAdmitted('p2'), true);
  assert.equal(admissions.isBarred('p2'), false);
  admissions.stop();
});

test('a barred identity is barred on every node that looks, for good', async () => {
  const coordinator = makeAloneCoordinator();
  const one = node(coordinator, 'p1');
  const two = node(coordinator, 'p2');
  await started(one.admissions);
  await started(two.admissions);
  const before = two.changes();
  await one.admissions.bar('p3', 'n3');
  assert.equal(one.admissions.isBarred('p3'), true);
  assert.equal(two.admissions.isBarred('p3'), false, 'it has not looked yet');
  two.clock.advance(ADMISSION_LOOK_MS);
  await settled();
  assert.equal(two.admissions.isBarred('p3'), true);
  assert.equal(two.admissions.isAdmitted('p3'), false);
  assert.equal(two.changes(), before + 1);
  await assert.rejects(two.admissions.approve('p3', ''), /removed from the cluster for good/);
  await one.admissions.bar('p3', 'n3');
  assert.deepEqual(
    one.admissions.list().barred.map(({ peer, nodeId }) => [peer, nodeId]),
    [['p3', 'n3']],
  );
});

test('with approval the first node and the members of that time are in; others are once an operator says so', async () => {
  const coordinator = makeAloneCoordinator();
  await member(coordinator, 2, 'member');
  await member(coordinator, 3, 'joining');
  const one = node(coordinator, 'p1', { approve: true });
  await started(one.admissions);
  const admitted = () => ['p1', 'p2', 'p3', 'p4'].filter(one.admissions.isAdmitted);
  assert.deepEqual(admitted(), ['p1', 'p2']);
  const four = node(coordinator, 'p4', { approve: true });
  await started(four.admissions);
  assert.equal(four.admissions.isAdmitted('p4'), false, 'who comes later does not admit itself');
  one.admissions.onApplicant('p3');
  assert.deepEqual(
    one.admissions.applicants().map(({ peer }) => peer),
    ['p3'],
  );
  await one.admissions.approve('p3', 'n3');
  assert.deepEqual(admitted(), ['p1', 'p2', 'p3']);
  assert.deepEqual(one.admissions.applicants(), []);
  await one.admissions.bar('p3', 'n3');
  assert.deepEqual(admitted(), ['p1', 'p2']);
});

test('two that change it at once both have their way', async () => {
  const coordinator = makeAloneCoordinator();
  const one = node(coordinator, 'p1');
  const two = node(coordinator, 'p2');
  await Promise.all([started(one.admissions), started(two.admissions)]);
  const both = Promise.all([one.admissions.bar('p3', ''), two.admissions.bar('p4', '')]);
  let done = false;
  void both.then(() => {
    done = true;
  });
  for (let turn = 0; !done && turn < 100; turn++) {
    await settled();
    one.clock.advance(1_000);
    two.clock.advance(1_000);
  }
  await both;
  await two.admissions.look();
  assert.deepEqual(
    two.admissions
      .list()
      .barred.map(({ peer }) => peer)
      .toSorted(),
    ['p3', 'p4'],
  );
});

test('a node that is barred itself is told once', async () => {
  const coordinator = makeAloneCoordinator();
  const one = node(coordinator, 'p1');
  const two = node(coordinator, 'p2');
  await Promise.all([started(one.admissions), started(two.admissions)]);
  await one.admissions.bar('p2', 'n2');
  await two.admissions.look();
  await one.admissions.bar('p3', 'n3');
  await two.admissions.look();
  assert.deepEqual([one.barred(), two.barred()], [0, 1]);
});

test('an answer that is older than what is known changes nothing', async () => {
  const real = makeAloneCoordinator();
  let late: Awaited<ReturnType<Coordinator['step']>> | undefined;
  const coordinator: Coordinator = { ...real, step: async (step) => late ?? real.step(step) };
  const { admissions } = node(coordinator, 'p1');
  await started(admissions);
  const empty = await real.step({ conditions: [], changes: [], reads: [ADMISSION_KEY] });
  await admissions.bar('p2', '');
  late = empty;
  await admissions.look();
  assert.equal(admissions.isBarred('p2'), true);
});

test('a coordinator that does not answer is asked again; a change is given up', async () => {
  const real = makeAloneCoordinator();
  let isAway = true;
  const coordinator: Coordinator = {
    ...real,
    step: async (step) => (isAway ? { outcome: 'unknown', cause: undefined } : real.step(step)),
  };
  const { admissions, clock } = node(coordinator, 'p1');
  let done = false;
  const starting = started(admissions).then(() => {
    done = true;
  });
  for (let turn = 0; turn < 5; turn++) {
    await settled();
    clock.advance(1_000);
  }
  assert.equal(done, false);
  assert.equal(admissions.isAdmitted('p2'), false);
  isAway = false;
  await settled();
  clock.advance(1_000);
  await starting;
  isAway = true;
  const barring = admissions.bar('p2', '');
  let failure: unknown;
  barring.catch((error: unknown) => {
    failure = error;
  });
  for (let turn = 0; failure === undefined && turn < 100; turn++) {
    await settled();
    clock.advance(1_000);
  }
  assert(failure instanceof CodedError);
  assert.equal(failure.code, 'unavailable');
});

test('the record: what is written is read; what is not one is refused', () => {
  const record = { approved: undefined, barred: [{ peer: 'p', nodeId: 'n', atMs: 5 }] };
  assert.deepEqual(decodeAdmission(encodeAdmission(record)), record);
  const empty = { approved: [], barred: [] };
  assert.deepEqual(decodeAdmission(encodeAdmission(empty)), empty);
  for (const text of [
    '',
    '{}',
    '{"format":2,"approved":null,"barred":[]}',
    '{"format":1,"approved":null}',
    '{"format":1,"approved":{},"barred":[]}',
    '{"format":1,"approved":null,"barred":[{"peer":1,"nodeId":"","atMs":0}]}',
    '{"format":1,"approved":null,"barred":[{"peer":"p","nodeId":"","atMs":-1}]}',
  ])
    assert.throws(() => decodeAdmission(Buffer.from(text)), BadRecord, text);
});

test('peer ids', () => {
  assert.equal(isPeerId('12D3KooWGRUGmTSPQhrjVGAR3qXsYXWyXdTpkTfbwPMcS2kSCbi1'.slice(0, 52)), true);
  for (const text of ['', 'n1', '12D3KooW', `12D3KooW${'0'.repeat(44)}`, `12D3KooW${'a'.repeat(45)}`])
    assert.equal(isPeerId(text), false, text);
});

test('whatever lies at the coordinator is a record, or refused as none', () => {
  const likely = fc.record(
    {
      format: fc.constantFrom(1, 1, 2, '1'),
      approved: fc.oneof(fc.constant(null), fc.array(fc.anything())),
      barred: fc.array(fc.record({ peer: fc.string(), nodeId: fc.string(), atMs: fc.integer() })),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        likely.map((value) => JSON.stringify(value)),
        fc.string(),
      ),
      (text) => {
        try {
          const read = decodeAdmission(Buffer.from(text));
          assert.deepEqual(decodeAdmission(encodeAdmission(read)), read);
        } catch (error) {
          assert(error instanceof BadRecord, String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});
