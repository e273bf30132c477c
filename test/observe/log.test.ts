import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CodedError } from '../../src/model/errors.ts';
import { type LogFormat, parseLogFormat, parseLogLevel } from '../../src/model/log.ts';
import { makeLog } from '../../src/observe/log.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 3, 44, 35, 994);
const folder = testFolder('log');

function make(format: LogFormat, level: 'trace' | 'info' = 'info') {
  const lines: string[] = [];
  const log = makeLog({ level, format, now: () => NOW_MS, write: (line) => void lines.push(line) });
  return { log, lines };
}

test("standard lines look as Vault's do", () => {
  const { log, lines } = make('standard');
  log.named('core').named('seal').info('unsealed', { threshold: 3, by: 'two words', note: 'plain' });
  log.error('it failed');
  assert.deepEqual(lines, [
    '2026-11-22T03:44:35.994Z [INFO]  core.seal: unsealed: threshold=3 by="two words" note=plain\n',
    '2026-11-22T03:44:35.994Z [ERROR] it failed\n',
  ]);
});

test("JSON lines have the names of Vault's", () => {
  const { log, lines } = make('json');
  log.named('core').warn('look out', { threshold: 3 });
  assert.deepEqual(JSON.parse(lines[0]!), {
    '@level': 'warn',
    '@timestamp': '2026-11-22T03:44:35.994Z',
    '@module': 'core',
    threshold: 3,
    '@message': 'look out',
  });
});

test('the level can be changed while running, for logs that were named before too', () => {
  const { log, lines } = make('standard');
  const core = log.named('core');
  core.debug('unheard');
  log.setLevel('debug');
  core.debug('heard');
  log.setLevel('error');
  core.warn('unheard');
  assert.equal(log.level, 'error');
  assert.equal(lines.length, 1);
});

test('a line end in a message starts no line of its own', () => {
  const { log, lines } = make('standard');
  log.info('a\n2026-11-22T03:44:35.994Z [INFO]  core: forged');
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^[^\n]+\n {2}\| 2026/);
});

const TOKEN = 'hvs.CAESIJlU02LQZqCANARY000';
for (const format of ['standard', 'json'] as const) {
  test(`no secret gets through: ${format}`, () => {
    const { log, lines } = make(format, 'trace');
    const cause = new TypeError(`bad input ${TOKEN}`);
    log.error(`refused ${TOKEN} and Bearer CANARY-bearer`, {
      token: 'CANARY',
      'X-Vault-Token': 'CANARY',
      client_token: 'CANARY',
      rootToken: ['CANARY'],
      keys: ['CANARY'],
      keys_base64: 'CANARY',
      password: 'CANARY',
      data: { password: 'CANARY' },
      body: Buffer.from('CANARY'),
      bytes: Buffer.from('CANARY'),
      nested: { deeper: new Map([['secret_id', 'CANARY']]), list: [{ plaintext: 'CANARY' }] },
      url: `/v1/x?y=${TOKEN}`,
      old: 's.CANARYCANARYCANARYCANARY',
      error: new Error(`outer ${TOKEN}`, { cause }),
      deep: { a: { b: { c: { d: { e: 'too deep' } } } } },
      what() {
        return 'CANARY';
      },
    });
    const [line] = lines;
    assert.doesNotMatch(line!, /CANARY/);
    assert.doesNotMatch(line!, /too deep/);
    assert.match(line!, /bad input/);
    assert.match(line!, /\[6 bytes\]/);
  });
}

test('errors of ours come without a stack, others with one', () => {
  const { log, lines } = make('json');
  log.error('x', { error: new CodedError('sealed') });
  log.error('x', { error: new TypeError('y') });
  const [ours, other] = lines.map((line) => JSON.parse(line).error);
  assert.deepEqual(ours, { type: 'CodedError', message: 'Vault is sealed', code: 'sealed' });
  assert.match(other.stack, /TypeError: y\n.*log\.test\.ts/);
});

test('what cannot be read is no reason to fail; long texts and lists are cut', () => {
  const { log, lines } = make('json');
  const broken = {
    get field(): string {
      throw new Error('no');
    },
  };
  const circle: { self?: unknown } = {};
  circle.self = circle;
  log.info('a', broken);
  log.info('b', { circle, long: 'x'.repeat(100_000), list: Array(1_000).fill(1), big: 5n, none: undefined });
  assert.equal(JSON.parse(lines[0]!)['@message'], 'a');
  const second = JSON.parse(lines[1]!);
  assert.ok(lines[1]!.length < 6_000);
  assert.equal(second.list.length, 50);
  assert.equal(second.big, '5');
});

test('a log file is 0600, and is opened again after it was moved away', async () => {
  const file = join(folder, 'server.log');
  const log = makeLog({ level: 'info', format: 'standard', file });
  const holds = (path: string, text: string) => () => {
    try {
      return readFileSync(path, 'utf8').includes(text);
    } catch {
      return false;
    }
  };
  log.info('first');
  await until('the first line', holds(file, 'first'));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  renameSync(file, `${file}.1`);
  log.reopen();
  log.info('second');
  await until('the second line', holds(file, 'second'));
  assert.ok(!holds(`${file}.1`, 'second')());
});

test('levels and formats are spelled as in Vault', () => {
  assert.deepEqual(
    ['trace', 'DEBUG', 'info', 'notice', 'warn', 'warning', 'err', 'error', 'loud', '', 'constructor'].map(
      parseLogLevel,
    ),
    ['trace', 'debug', 'info', 'info', 'warn', 'warn', 'error', 'error', undefined, undefined, undefined],
  );
  assert.deepEqual(['', 'standard', 'JSON', 'xml'].map(parseLogFormat), [
    'standard',
    'standard',
    'json',
    undefined,
  ]);
});

test('a log file that cannot be opened is said at once, and at a reopen the old one stays', async () => {
  const nowhere = join(folder, 'nowhere', 'server.log');
  assert.throws(() => makeLog({ level: 'info', format: 'json', file: nowhere }), {
    message: `the log file ${nowhere} cannot be opened: no such file or folder`,
  });
  const inside = join(folder, 'inside');
  mkdirSync(inside);
  const log = makeLog({ level: 'info', format: 'json', file: join(inside, 'server.log') });
  const moved = join(folder, 'moved');
  renameSync(inside, moved);
  assert.throws(() => log.reopen(), /cannot be opened: no such file or folder/);
  log.info('still here');
  // A write may be under way, which a flush does not wait for.
  await until('the line', () => readFileSync(join(moved, 'server.log'), 'utf8').includes('still here'));
});
