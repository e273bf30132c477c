import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MONITOR_LINES_WAITING_MAX, MONITOR_LOOK_MS, MONITORS_MAX } from '../../src/model/limits.ts';
import type { LogFormat, LogLevel } from '../../src/model/log.ts';
import { makeLog } from '../../src/observe/log.ts';
import { makeMonitors } from '../../src/observe/monitor.ts';
import { makeManualClock } from '../support/manual-clock.ts';

function setUp(logFormat: LogFormat = 'standard') {
  const clock = makeManualClock();
  const written: string[] = [];
  const log = makeLog({
    level: 'warn',
    format: logFormat,
    now: () => 0,
    write: (line) => written.push(line),
  });
  const monitors = makeMonitors(log, clock);
  /** A client that reads as long as `takes` says so. */
  function look(level: LogLevel = 'info', format: LogFormat = 'standard', stillGood = async () => true) {
    const client = { lines: [] as string[], takes: true, drain: () => {}, ended: false, stop: () => {} };
    const { start, contentType } = monitors({ level, format, stillGood });
    client.stop = start({
      write(line) {
        client.lines.push(line);
        return client.takes;
      },
      onDrain(run) {
        client.drain = run;
      },
      end() {
        client.ended = true;
      },
    });
    return { ...client, client, contentType };
  }
  return { clock, log, written, look };
}

test('who looks on sees lines from its level on, whatever the log itself writes; then no more', () => {
  const { log, look, written } = setUp();
  const core = log.named('core');
  const { client } = look('debug');
  const json = look('error', 'json').client;
  core.debug('one', { a: 1 });
  core.trace('two');
  log.error('three');
  assert.deepEqual(client.lines, [
    '1970-01-01T00:00:00.000Z [DEBUG] core: one: a=1\n',
    '1970-01-01T00:00:00.000Z [ERROR] three\n',
  ]);
  assert.equal(written.length, 1);
  assert.deepEqual(
    json.lines.map((line) => JSON.parse(line)['@message']),
    ['three'],
  );
  client.stop();
  json.stop();
  core.error('four');
  assert.equal(client.lines.length, 2);
});

test('a level set of one name is the log’s, not that of who looks on', () => {
  const { log, look, written } = setUp();
  const { client } = look('info');
  assert.equal(log.levels.setOne('audit', 'info'), false);
  const audit = log.named('audit');
  assert.equal(log.levels.setOne('audit', 'error'), true);
  audit.warn('heard by one');
  assert.deepEqual([client.lines.length, written.length], [1, 0]);
});

test('a log of JSON is shown as JSON, as in Vault', () => {
  assert.equal(setUp('json').look('info', 'standard').contentType, 'application/x-ndjson');
});

test('nothing that is secret is shown', () => {
  const { log, look } = setUp();
  const { client } = look('trace');
  log.info('token hvs.CAESIJlU02LQZqCANARY000', { password: 'CANARY', data: { a: 'CANARY' } });
  assert.doesNotMatch(client.lines.join(''), /CANARY/);
});

test('a slow client loses lines, and is told how many, where they would have been', () => {
  const { log, look } = setUp();
  const { client } = look();
  client.takes = false;
  for (let n = 0; n < MONITOR_LINES_WAITING_MAX + 8; n++) log.info(`n${n}`);
  assert.equal(client.lines.length, 1);
  client.takes = true;
  client.drain();
  assert.equal(client.lines.length, MONITOR_LINES_WAITING_MAX + 2);
  assert.match(client.lines.at(-1)!, /\[WARN\] {2}monitor: Monitor dropped 7 logs during monitor request/);
  log.info('after');
  assert.match(client.lines.at(-1)!, /after/);
});

test('where it reads on bit by bit, that stands between what came before and what after', () => {
  const { log, look } = setUp();
  const { client } = look();
  client.takes = false;
  for (let n = 0; n < MONITOR_LINES_WAITING_MAX + 3; n++) log.info(`n${n}.`);
  // Room for two: one of them says what was lost.
  client.drain();
  client.drain();
  log.info('after');
  client.takes = true;
  client.drain();
  const lines = client.lines.map((line) => line.replace(/^\S+ \[\w+\] +/, '').trim());
  assert.deepEqual(lines.slice(-3), [
    `n${MONITOR_LINES_WAITING_MAX}.`,
    'monitor: Monitor dropped 2 logs during monitor request',
    'after',
  ]);
  assert.equal(lines.length, MONITOR_LINES_WAITING_MAX + 3);
});

test('it ends when its token does, or when nobody can tell', async () => {
  for (const stillGood of [async () => false, () => Promise.reject(new Error('sealed'))]) {
    const { clock, look } = setUp();
    const { client } = look('info', 'standard', stillGood);
    clock.advance(MONITOR_LOOK_MS);
    await new Promise(setImmediate);
    assert.equal(client.ended, true);
    assert.match(client.lines.at(-1)!, /it ends/);
    client.stop();
    assert.equal(clock.pending(), 0);
  }
  const { clock, look } = setUp();
  const { client } = look();
  for (let n = 0; n < 5; n++) {
    clock.advance(MONITOR_LOOK_MS);
    await new Promise(setImmediate);
  }
  assert.equal(client.ended, false);
});

test('only so many look on at once', () => {
  const { look } = setUp();
  const clients = Array.from({ length: MONITORS_MAX }, () => look().client);
  assert.throws(() => look(), { code: 'overloaded' });
  clients[0]!.stop();
  look();
});
