import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLog } from '../../../src/observe/log.ts';
import { answer, ask, type FakeCore, fakeCore } from './ask.ts';

function core(): { core: FakeCore; log: ReturnType<typeof makeLog>; lines: string[] } {
  const lines: string[] = [];
  const log = makeLog({ level: 'info', format: 'standard', write: (line) => lines.push(line) });
  const made = fakeCore();
  return { core: Object.assign(made, { logs: { ...made.logs, levels: log.levels } }), log, lines };
}

test('levels are shown by name, set for one or all, and put back to what is configured', async () => {
  const { core: fake, log, lines } = core();
  const audit = log.named('audit');
  log.named('http');
  assert.deepEqual(await answer(fake, 'read', 'loggers'), { audit: 'info', http: 'info' });
  await ask(fake, 'update', 'loggers/audit', { body: { level: 'DEBUG' } });
  audit.debug('heard');
  log.debug('unheard');
  assert.equal(lines.length, 1);
  assert.deepEqual(await answer(fake, 'read', 'loggers/audit'), { audit: 'debug' });
  await ask(fake, 'update', 'loggers', { body: { level: 'err' } });
  assert.deepEqual(await answer(fake, 'read', 'loggers'), { audit: 'error', http: 'error' });
  await ask(fake, 'delete', 'loggers/http');
  assert.deepEqual(await answer(fake, 'read', 'loggers'), { audit: 'error', http: 'info' });
  await ask(fake, 'delete', 'loggers');
  assert.deepEqual(await answer(fake, 'read', 'loggers'), { audit: 'info', http: 'info' });
  log.setLevel('warn');
  await ask(fake, 'update', 'loggers', { body: { level: 'trace' } });
  log.named('later').trace('heard');
  assert.equal(lines.length, 2);
  await ask(fake, 'delete', 'loggers');
  assert.equal((await answer(fake, 'read', 'loggers')).later, 'warn');
});

test("refusals in Vault's words, without what was sent", async () => {
  const { core: fake } = core();
  for (const [body, text] of [
    [{}, 'level is required'],
    [{ level: '' }, 'level is empty'],
    [{ level: 'canary' }, 'invalid level provided: unknown log level'],
    [{ level: 'constructor' }, 'invalid level provided: unknown log level'],
  ] as const) {
    for (const path of ['loggers', 'loggers/none']) {
      await assert.rejects(ask(fake, 'update', path, { body }), { code: 'bad_request', message: text });
    }
  }
  const body = { level: 'info' };
  await assert.rejects(ask(fake, 'update', 'loggers/none', { body }), { message: 'logger "none" not found' });
  await assert.rejects(ask(fake, 'delete', 'loggers/none'), { message: 'logger "none" not found' });
  assert.deepEqual(await answer(fake, 'read', 'loggers/none'), {});
  for (const [name, text] of [
    ['log_level', 'unknown log level'],
    ['log_format', 'unknown log format'],
  ] as const) {
    await assert.rejects(ask(fake, 'read', 'monitor', { query: { [name]: 'canary' } }), { message: text });
  }
  await assert.rejects(ask(fake, 'read', 'monitor', { query: { log_format: '' } }));
  assert((await ask(fake, 'read', 'monitor', { query: { log_level: '' } })).stream);
});
