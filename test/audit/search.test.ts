/** Looking for entries: every way of asking, and a log that is followed over its rotation. */
import assert from 'node:assert/strict';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { followLog, type SearchFilter, searchLogs } from '../../src/audit/search.ts';
import { runInProcess } from '../cli/in-process.ts';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('search');

const line = (
  n: number,
  more: { type?: string; path?: string; accessor?: string; entity?: string; made?: string } = {},
) =>
  JSON.stringify({
    time: `2026-11-0${n}T00:00:00Z`,
    type: more.type ?? 'request',
    auth: { accessor: more.accessor, entity_id: more.entity, display_name: 'token' },
    request: {
      id: `r${n}`,
      operation: 'read',
      path: more.path ?? 'secret/data/a',
      namespace: { id: 'root' },
    },
    ...(more.made ? { response: { auth: { accessor: more.made } } } : {}),
  });

const older = join(folder, 'audit.log.1.gz');
const newer = join(folder, 'audit.log');
writeFileSync(
  older,
  gzipSync(
    `${line(1, { accessor: 'hmac-sha256:aa' })}\nno json\n${line(2, { path: 'sys/mounts', entity: 'e1' })}\n`,
  ),
);
writeFileSync(
  newer,
  `${line(3, { type: 'checkpoint' })}\n${line(4, { type: 'response', made: 'hmac-sha256:bb' })}\n${line(5, { path: 'secret/data/a+b' })}\n{"time":`,
);

async function found(filter: SearchFilter): Promise<string[]> {
  const ids: string[] = [];
  for await (const { entry } of searchLogs([newer, older], filter)) ids.push(entry.request!.id!);
  return ids;
}

const at = (day: number) => Date.parse(`2026-11-0${day}T00:00:00Z`);
const ASKED: [string, SearchFilter, string[]][] = [
  ['nothing: all entries, oldest file first', {}, ['r1', 'r2', 'r4', 'r5']],
  ['own lines too', { withOwnLines: true }, ['r1', 'r2', 'r3', 'r4', 'r5']],
  ['since', { sinceMs: at(4) }, ['r4', 'r5']],
  ['until', { untilMs: at(2) }, ['r1', 'r2']],
  ['between', { sinceMs: at(2), untilMs: at(4) }, ['r2', 'r4']],
  ['an accessor', { accessors: ['hmac-sha256:aa'] }, ['r1']],
  ['the accessor of a token that was made', { accessors: ['x', 'hmac-sha256:bb'] }, ['r4']],
  ['a path', { path: 'sys/mounts' }, ['r2']],
  ['a path with a star', { path: 'secret/data/*' }, ['r1', 'r4', 'r5']],
  ['a path that looks like a pattern', { path: 'secret/data/a+b' }, ['r5']],
  ['an entity', { entityId: 'e1' }, ['r2']],
  ['a request', { requestId: 'r5' }, ['r5']],
  ['two things at once', { path: 'secret/*', requestId: 'r2' }, []],
];
for (const [what, filter, ids] of ASKED) test(what, async () => assert.deepEqual(await found(filter), ids));

test('a log that is followed, over its rotation', async () => {
  const path = join(folder, 'live.log');
  writeFileSync(path, `${line(1)}\n`);
  const stop = new AbortController();
  const ids: string[] = [];
  const following = (async () => {
    for await (const { entry } of followLog(path, { path: 'secret/*' }, stop.signal)) {
      ids.push(entry.request!.id!);
      if (ids.length === 1) {
        renameSync(path, `${path}.1`);
        writeFileSync(path, `${line(4, { path: 'sys/x' })}\n${line(5)}\n`);
      } else stop.abort();
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 50));
  appendFileSync(path, `${line(2)}\n`);
  await following;
  assert.deepEqual(ids, ['r2', 'r5']);
});

const run = (...args: string[]) =>
  runInProcess(['audit', 'search', ...args], { COFFER_ARGV0: 'coffer', HOME: folder });

test('the command: one line each, or the lines as they stand; 1 where nothing was found', async () => {
  const text = await run('-path=sys/mounts', newer, older);
  assert.deepEqual(text, {
    exit: 0,
    stdout: '2026-11-02T00:00:00Z  request  read  sys/mounts  token  r2\n',
    stderr: '',
  });
  const json = await run('-format=json', '-request-id=r2', older);
  assert.equal(json.stdout, `${line(2, { path: 'sys/mounts', entity: 'e1' })}\n`);
  assert.deepEqual(await run('-request-id=none', newer), { exit: 1, stdout: '', stderr: '' });
  assert.equal((await run('-limit=2', newer, older)).stdout.split('\n').length, 3);
  assert.match((await run('-since=2026-11-05T00:00:00Z', newer)).stdout, / r5\n$/);
});

test('the command refuses what it cannot do', async () => {
  for (const args of [
    [],
    [join(folder, 'none')],
    ['-since=soon', newer],
    ['-accessor=x', newer],
    ['-follow', newer, older],
    ['-limit=-1', newer],
  ]) {
    const { exit, stdout } = await run(...args);
    assert.deepEqual([exit, stdout], [1, ''], args.join(' '));
  }
});
