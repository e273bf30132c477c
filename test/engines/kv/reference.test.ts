/** Random sequences of requests: after each of them the engine shows what the naive reference shows, and the store holds no more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kv2, kvKinds } from '../../../src/engines/kv/kv.ts';
import { KV_HEAD_BYTES_MAX, KV_HELD_CHARS_MAX } from '../../../src/model/limits.ts';
import { type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';
import { Reference, type Settings, type Value } from './reference.ts';

interface World {
  bench: EngineBench;
  reference: Reference;
}

const PATHS = ['a', 'a/b'];

/** One request to both, each told by the text it prints when a run fails. */
interface Step {
  told: string;
  run(world: World): Promise<void>;
}

function step(told: string, run: (world: World) => Promise<unknown>): Step {
  return { told, run: async (world) => void (await run(world)) };
}

const path = fc.constantFrom(...PATHS);
const number = fc.integer({ min: 0, max: 14 });
const numbers = fc.array(number, { minLength: 1, maxLength: 6 });
const word = fc.constantFrom('x', 'y', 'z');
const dictionary = <T>(members: fc.Arbitrary<T>) => fc.dictionary(word, members, { noNullPrototype: true });
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 8, arbitrary: dictionary(fc.integer({ min: 0, max: 9 })) },
  // Fits into a head alone or with a few others; fits only alone; fits in none.
  { weight: 1, arbitrary: fc.constant({ some: 's'.repeat(KV_HEAD_BYTES_MAX / 3) }) },
  { weight: 1, arbitrary: fc.constant({ more: 'm'.repeat(KV_HEAD_BYTES_MAX + 1) }) },
  { weight: 1, arbitrary: fc.constant({ long: 'l'.repeat(KV_HELD_CHARS_MAX + 1) }) },
);
const patchValue: fc.Arbitrary<Value> = dictionary(fc.option(fc.integer({ min: 0, max: 9 })));
const cas = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined, freq: 3 });
const settings: fc.Arbitrary<Settings> = fc.record(
  {
    max_versions: fc.option(fc.integer({ min: 0, max: 5 }), { freq: 6 }),
    cas_required: fc.option(fc.boolean(), { freq: 6 }),
    delete_version_after: fc.option(fc.integer({ min: 0, max: 50 }), { freq: 6 }),
    custom_metadata: fc.option(dictionary(fc.string({ minLength: 1, unit: word }))),
  },
  { requiredKeys: [] },
);
const patchSettings: fc.Arbitrary<Settings> = fc.record(
  {
    max_versions: fc.option(fc.integer({ min: 0, max: 5 })),
    cas_required: fc.option(fc.boolean()),
    delete_version_after: fc.option(fc.integer({ min: 0, max: 50 })),
    custom_metadata: fc.option(dictionary(fc.option(fc.string({ minLength: 1, unit: word })))),
  },
  { requiredKeys: [] },
);

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(path, value, cas).map(([p, data, version]) =>
      step(`put ${p} cas ${version}`, async ({ bench, reference }) => {
        const { status } = await bench.call('update', `data/${p}`, { data, options: { cas: version } });
        assert.equal(status, reference.put(p, data, version));
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(path, patchValue, cas).map(([p, data, version]) =>
      step(`patch ${p} cas ${version}`, async ({ bench, reference }) => {
        const { status } = await bench.call('patch', `data/${p}`, { data, options: { cas: version } });
        assert.equal(status, reference.patch(p, data, version));
      }),
    ),
  },
  path.map((p) =>
    step(`delete ${p}`, async ({ bench, reference }) => {
      reference.delete(p, undefined);
      return bench.call('delete', `data/${p}`);
    }),
  ),
  ...(['delete', 'undelete', 'destroy'] as const).map((what) =>
    fc.tuple(path, numbers).map(([p, versions]) =>
      step(`${what} ${p} ${versions}`, async ({ bench, reference }) => {
        reference[what](p, versions);
        const { status } = await bench.call('update', `${what}/${p}`, { versions });
        assert.equal(status, 204);
      }),
    ),
  ),
  {
    weight: 2,
    arbitrary: fc.tuple(path, settings).map(([p, sent]) =>
      step(`set ${p} ${JSON.stringify(sent)}`, async ({ bench, reference }) => {
        reference.setMetadata(p, sent);
        return bench.call('update', `metadata/${p}`, sent);
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(path, patchSettings).map(([p, sent]) =>
      step(`patch metadata ${p} ${JSON.stringify(sent)}`, async ({ bench, reference }) => {
        const { status } = await bench.call('patch', `metadata/${p}`, sent);
        const expected = reference.patchMetadata(p, sent);
        // 200 where the mount's cas_required overrules.
        assert.equal(status === 200 ? 204 : status, expected);
      }),
    ),
  },
  path.map((p) =>
    step(`remove ${p}`, async ({ bench, reference }) => {
      reference.remove(p);
      return bench.call('delete', `metadata/${p}`);
    }),
  ),
  fc
    .record(
      {
        max_versions: fc.integer({ min: 0, max: 4 }),
        cas_required: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
        delete_version_after: fc.integer({ min: -1, max: 50 }),
      },
      { requiredKeys: [] },
    )
    .map((sent) =>
      step(`config ${JSON.stringify(sent)}`, async ({ bench, reference }) => {
        reference.configure(sent);
        return bench.call('update', 'config', sent);
      }),
    ),
  fc.integer({ min: 1, max: 60 }).map((seconds) =>
    step(`wait ${seconds}`, async ({ bench, reference }) => {
      bench.nowMs += seconds * 1_000;
      reference.now = bench.nowMs;
    }),
  ),
  fc.constant(step('restart', ({ bench }) => bench.restart())),
);

/** Versions whose payloads follow the line of a secret's head. */
function versionsInHead(head: Uint8Array): number[] {
  const [line, payloads] = Buffer.from(head.subarray(1)).toString().split('\n');
  const { n = 0, v } = JSON.parse(line!) as { n?: number; v: number[] };
  const first = n - v.length / 4 + 1;
  const lengths = v.filter((_, at) => at % 4 === 3);
  const inHead = lengths.filter((bytes) => bytes >= 0);
  assert.equal(
    Buffer.byteLength(payloads!),
    inHead.reduce((sum, bytes) => sum + bytes, 0),
  );
  const older = inHead.slice(0, -1).reduce((sum, bytes) => sum + bytes, 0);
  assert(older <= KV_HEAD_BYTES_MAX + KV_HELD_CHARS_MAX, 'a head keeps shedding what does not fit');
  return lengths.flatMap((bytes, at) => (bytes >= 0 ? [first + at] : []));
}

async function compare({ bench, reference }: World): Promise<void> {
  for (const p of PATHS) {
    const metadata = await bench.call('read', `metadata/${p}`);
    assert.deepEqual(metadata.body.data, reference.describe(p));
    const current = reference.secrets.get(p)?.current ?? 0;
    for (let version = 0; version <= current + 1; version++) {
      const query = { version: String(version) };
      const { status, body } = await bench.call('read', `data/${p}`, undefined, { query });
      assert.deepEqual([status, body.data], reference.read(p, version), `${p} version ${version}`);
    }
  }
  const listed = await bench.call('list', 'metadata');
  const names = [...reference.secrets.keys()].map((p) => p.replace('/b', '/'));
  assert.deepEqual(listed.body.data?.keys ?? [], names.sort());

  // A payload rests, in its head or beside it and nowhere twice, exactly as long as its version is listed and not destroyed.
  const payloads: string[] = [];
  for (const [p, secret] of reference.secrets) {
    for (const [n, { destroyed }] of secret.versions) if (!destroyed) payloads.push(`${p}/v/${n}`);
  }
  const stored: string[] = [];
  for (const [at, { value }] of bench.storage.records) {
    const [, named] = /^data\/root\/mount-uuid\/kv\/(.*)$/.exec(at.replaceAll('~', '')) ?? [];
    if (named?.includes('!')) stored.push(named.replace('!', '/'));
    else if (named) for (const n of versionsInHead(value)) stored.push(`${named}/v/${n}`);
  }
  assert.deepEqual(stored.sort(), payloads.sort());
}

test('the engine and the naive reference agree', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 40, size: 'max' }), async (sequence) => {
      const world = { bench: makeEngineBench(kv2, kvKinds), reference: new Reference() };
      world.reference.now = world.bench.nowMs;
      const told: string[] = [];
      try {
        for (const { told: name, run } of sequence) {
          told.push(name);
          await run(world);
          await compare(world);
        }
      } catch (error) {
        throw new Error(`after ${told.join('; ')}`, { cause: error });
      } finally {
        await world.bench.stop();
      }
    }),
    { numRuns: 150 },
  );
});
