import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { encodeProfile } from '../../src/observe/profile/pprof.ts';
import { makeProfiles } from '../../src/observe/profile/profiles.ts';
import { stacksOfMemory, stacksOfTime } from '../../src/observe/profile/taken.ts';
import { decodeMessage, type Messages } from '../../src/storage/protobuf.ts';
import { systemClock } from '../../src/system-clock.ts';

/** Google's profile.proto, as far as we write it. */
const MESSAGES: Messages = {
  Profile: {
    types: [1, { message: 'ValueType' }, 'list'],
    samples: [2, { message: 'Sample' }, 'list'],
    locations: [4, { message: 'Location' }, 'list'],
    functions: [5, { message: 'Function' }, 'list'],
    strings: [6, 'string', 'list'],
    time: [9, 'int'],
    duration: [10, 'int'],
    periodType: [11, { message: 'ValueType' }],
    period: [12, 'int'],
  },
  ValueType: { type: [1, 'int'], unit: [2, 'int'] },
  Sample: { location: [1, 'bytes'], value: [2, 'bytes'] },
  Location: { id: [1, 'int'], line: [4, { message: 'Line' }, 'list'] },
  Line: { function: [1, 'int'], line: [2, 'int'] },
  Function: { id: [1, 'int'], name: [2, 'int'], file: [4, 'int'], startLine: [5, 'int'] },
};
const bytes = (...values: number[]) => Buffer.from(values).toString('base64');

test('a profile is what profile.proto says', () => {
  const inner = { functionName: 'inner', file: 'a.ts', line: 300 };
  const outer = { functionName: 'outer', file: 'a.ts', line: 0 };
  const made = encodeProfile({
    types: [
      ['samples', 'count'],
      ['cpu', 'nanoseconds'],
    ],
    stacks: [
      { frames: [inner, outer], values: [3, 6_000_000_000] },
      { frames: [outer], values: [1, 127] },
    ],
    startedAtMs: 1_795_000_000_000,
    durationMs: 1_500,
    period: 2_000_000,
  });
  assert.deepEqual(decodeMessage(MESSAGES, 'Profile', gunzipSync(made)), {
    types: [
      { type: '1', unit: '2' },
      { type: '3', unit: '4' },
    ],
    samples: [
      { location: bytes(1, 2), value: bytes(3, 0x80, 0xf8, 0x82, 0xad, 0x16) },
      { location: bytes(2), value: bytes(1, 127) },
    ],
    locations: [
      { id: '1', line: [{ function: '1', line: '300' }] },
      { id: '2', line: [{ function: '2' }] },
    ],
    functions: [
      { id: '1', name: '5', file: '6', startLine: '300' },
      { id: '2', name: '7', file: '6' },
    ],
    strings: ['', 'samples', 'count', 'cpu', 'nanoseconds', 'inner', 'a.ts', 'outer'],
    time: '1795000000000000000',
    duration: '1500000000',
    periodType: { type: '3', unit: '4' },
    period: '2000000',
  });
});

const frame = (functionName: string, url = '') => ({
  functionName,
  url,
  scriptId: '1',
  lineNumber: url === '' ? -1 : 9,
  columnNumber: 0,
});
const HERE = new URL('../../src/a.ts', import.meta.url).href;

test('time: by stack, innermost first, without the time in which nothing was done', () => {
  const nodes = [
    { id: 1, callFrame: frame('(root)'), children: [2, 4] },
    { id: 2, callFrame: frame('outer', HERE), children: [3] },
    { id: 3, callFrame: frame('', 'node:net') },
    { id: 4, callFrame: frame('(idle)') },
  ];
  const stacks = stacksOfTime({
    nodes,
    startTime: 0,
    endTime: 9,
    samples: [3, 3, 2, 4, 1],
    timeDeltas: [2, 3, 4, 5, 6],
  });
  const outer = { functionName: 'outer', file: 'src/a.ts', line: 10 };
  assert.deepEqual(stacks, [
    {
      frames: [{ functionName: '(anonymous)', file: 'node:net', line: 10 }, outer],
      values: [2, 5_000],
    },
    { frames: [outer], values: [1, 4_000] },
  ]);
});

test('memory: by stack', () => {
  const node = (name: string, selfSize: number, children: object[] = []) => ({
    callFrame: frame(name),
    selfSize,
    id: 1,
    children,
  });
  const head = node('(root)', 0, [node('a', 0, [node('b', 10)]), node('c', 5)]);
  const stacks = stacksOfMemory({ head, samples: [] } as never);
  assert.deepEqual(
    stacks.map(({ frames, values }) => [frames.map(({ functionName }) => functionName).join(' '), values[0]]),
    [
      ['c', 5],
      ['b a', 10],
    ],
  );
});

/** The names in it. */
function namesIn(profile: Buffer): string[] {
  return (decodeMessage(MESSAGES, 'Profile', gunzipSync(profile)) as { strings: string[] }).strings;
}

function keepBusy(): string[] {
  const kept: string[] = [];
  for (const end = Date.now() + 60; Date.now() < end; ) kept.push(`CANARY${kept.length}`);
  return kept;
}

const waits = (seconds = 0.2) => ({ seconds, isOver: () => false });

test('profiles of this process hold names of functions, and nothing of what they work on', async () => {
  const profiles = makeProfiles(systemClock);
  const timer = setInterval(keepBusy, 5);
  try {
    for (const take of [
      () => profiles.time(waits()),
      () => profiles.memory('allocated', waits()),
      () => profiles.memory('in use', waits()),
    ]) {
      const made = await take();
      assert.doesNotMatch(gunzipSync(made).toString('latin1'), /CANARY/);
    }
    assert(namesIn(await profiles.time(waits(0.4))).includes('keepBusy'));
    assert(namesIn(await profiles.memory('allocated', waits(0.4))).includes('test/observe/profile.test.ts'));
  } finally {
    clearInterval(timer);
  }
});

test('one at a time; one that nobody waits for any more ends, and makes room', async () => {
  const profiles = makeProfiles(systemClock);
  let isOver = false;
  const first = profiles.time({ seconds: 60, isOver: () => isOver });
  await assert.rejects(profiles.memory('in use', waits()), { code: 'overloaded' });
  await assert.rejects(profiles.time(waits()), { code: 'overloaded' });
  isOver = true;
  await assert.rejects(first, { code: 'deadline' });
  await profiles.time(waits(0.01));
  const last = profiles.memory('in use', { seconds: 60, isOver: () => false });
  profiles.stop();
  await assert.rejects(last, { code: 'deadline' });
});

test('counts, sizes and the command line are there at once', () => {
  const profiles = makeProfiles(systemClock);
  const timer = setTimeout(() => {}, 1_000);
  assert(profiles.resources().get('Timeout')! >= 1);
  clearTimeout(timer);
  assert(profiles.heapSizes().get('used_heap_size')! > 0);
  assert(namesIn(profiles.counted('resources', new Map([['Timeout', 2]]))).includes('Timeout'));
  const { argv } = process;
  process.argv = [
    'node',
    'coffer.ts',
    'server',
    '-dev',
    '-dev-root-token-id=CANARY',
    '--dev-root-token-id=CANARY',
  ];
  try {
    assert.doesNotMatch(profiles.commandLine().join(' '), /CANARY/);
    assert.equal(profiles.commandLine()[3], '-dev');
  } finally {
    process.argv = argv;
  }
});
