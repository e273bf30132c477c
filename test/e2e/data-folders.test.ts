/**
 * Every data folder that was ever kept opens in this build, unseals with its own keys, and answers as it did when it was made.
 *
 * A folder that fails here is not to be made anew: somebody's data looks like it. (`scripts/make-data-folder.ts` makes the one of a release,
 * before that is out.)
 *
 * @module
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { COFFER_VERSION } from '../../src/model/version.ts';
import { isWithin, type KeptFolder, lasting, type OpenFolder, openFolder } from '../support/data-folder.ts';
import { testFolder } from '../support/test-folder.ts';

const KEPT = fileURLToPath(new URL('../fixtures/data-folders', import.meta.url));
const versions = readdirSync(KEPT).sort();

/** Gives these shares. @returns whether it is sealed still. */
async function unseal(server: OpenFolder, keys: readonly string[]): Promise<boolean> {
  let sealed = true;
  for (const key of keys) {
    const reply = await server.ask({ as: undefined, method: 'PUT', path: 'sys/unseal', send: { key } }, {});
    assert.equal(reply.status, 200, reply.text);
    sealed = reply.body.sealed;
  }
  return sealed;
}

async function checkAnswers(server: OpenFolder, { answers, tokens }: KeptFolder): Promise<void> {
  for (const { status, body, ...question } of answers) {
    const reply = await server.ask(question, tokens);
    const what = `${question.method} ${question.path} as ${question.as}`;
    assert.equal(reply.status, status, `${what}: ${reply.text}`);
    const actual = lasting(reply.body);
    // For the difference that is shown; a later build may say more.
    if (!isWithin(body, actual)) assert.deepEqual(actual, body, what);
  }
}

test('the folder of this version is kept', () => {
  assert(versions.includes(COFFER_VERSION), 'run `node scripts/make-data-folder.ts` and commit what it made');
});

for (const version of versions) {
  test(`the data folder of ${version} opens, answers as it did, and goes on being used`, async () => {
    const from = join(KEPT, version);
    const kept = JSON.parse(readFileSync(join(from, 'expected.json'), 'utf8')) as KeptFolder;
    const folder = join(testFolder('kept'), 'store');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'coffer.mdb'), gunzipSync(readFileSync(join(from, 'coffer.mdb.gz'))), {
      mode: 0o600,
    });

    const server = await openFolder(folder);
    try {
      assert.equal(await unseal(server, kept.keys.slice(0, kept.threshold - 1)), true);
      assert.equal(await unseal(server, kept.keys.slice(kept.threshold - 1, kept.threshold)), false);
      await checkAnswers(server, kept);
      const write = async (method: string, path: string, send: object) => {
        const reply = await server.ask({ as: 'root', method, path, send }, kept.tokens);
        assert(reply.status === 200 || reply.status === 204, `${path}: ${reply.status} ${reply.text}`);
      };
      // Beside what is asked for: the old and the new lie in one store from now on.
      await write('POST', 'v1/new/one', { now: version });
      await write('POST', 'v2/data/new/one', { data: { now: version } });
      await write('POST', 'sys/mounts/new', { type: 'kv' });
      await write('POST', 'new/one', { now: version });
      await write('POST', 'sys/rotate', {});
      await write('DELETE', 'v1/new/one', {});
      await write('DELETE', 'v2/metadata/new/one', {});
      await write('DELETE', 'sys/mounts/new', {});
    } finally {
      await server.stop();
    }

    const again = await openFolder(folder);
    try {
      assert.equal(await unseal(again, kept.keys.slice(-kept.threshold)), false);
      // Only the number of the term has changed.
      const answers = kept.answers.filter(({ path }) => path !== 'sys/key-status');
      await checkAnswers(again, { ...kept, answers });
    } finally {
      await again.stop();
    }
  });
}

test('what is missing or other in an answer is found', () => {
  assert(isWithin({ a: [1, { b: null }] }, { a: [1, { b: null, more: 1 }], more: 2 }));
  for (const actual of [
    { a: [1] },
    { a: [1, { b: 1 }] },
    { a: [1, {}] },
    { b: 1 },
    null,
    [],
    { a: [1, { b: null }, 3] },
  ]) {
    assert(!isWithin({ a: [1, { b: null }] }, actual), JSON.stringify(actual));
  }
  assert(!isWithin({ a: '1' }, { a: 1 }));
});
