/** A data folder kept from each release opens in this one, and says what it said then. `scripts/make-data-folder.ts` makes them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { KeptFolder } from '../../scripts/make-data-folder.ts';
import { call } from '../support/http.ts';
import { startDev } from '../support/server.ts';

const fixtures = new URL('../fixtures/data-folders/', import.meta.url).pathname;
const releases = readdirSync(fixtures).filter((name) => name.endsWith('.json'));
assert(releases.length > 0);

for (const name of releases) {
  const release = name.replace(/\.json$/, '');
  test(`the data folder of ${release} opens`, async () => {
    const kept = JSON.parse(readFileSync(join(fixtures, name), 'utf8')) as KeptFolder;
    const folder = mkdtempSync(join(tmpdir(), 'coffer-kept-'));
    try {
      mkdirSync(join(folder, 'store'), { mode: 0o700 });
      const file = gunzipSync(readFileSync(join(fixtures, `${release}.mdb.gz`)));
      writeFileSync(join(folder, 'store', 'coffer.mdb'), file, { mode: 0o600 });
      writeFileSync(join(folder, 'unseal-key'), kept.unsealKey, { mode: 0o600 });
      writeFileSync(join(folder, 'root-token'), kept.rootToken, { mode: 0o600 });
      const server = await startDev({ rootToken: kept.rootToken, args: [`-dev-data=${folder}`] });
      try {
        for (const { method, path, token, status, data } of kept.asked) {
          const reply = await call(server.address, method, `/v1/${path}`, { token });
          assert.equal(reply.status, status, `${method} ${path}: ${reply.text}`);
          assert.deepEqual(reply.body?.data, data, `${method} ${path}`);
        }
        // It is not only read: the next version goes on where the kept ones end.
        const written = await call(server.address, 'POST', '/v1/secret/data/app/db', {
          token: kept.rootToken,
          body: { data: { n: 7 } },
        });
        assert.equal(written.body.data.version, 7);
      } finally {
        await server.stop();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
