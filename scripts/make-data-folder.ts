/**
 * Makes the data folder that later releases must open: `scripts/run scripts/make-data-folder.ts`, once for each release that lands. Writes
 * `test/fixtures/data-folders/<version>.json` (what is asked, and what must be answered) and `<version>.mdb.gz` beside it.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { COFFER_VERSION } from '../src/model/version.ts';
import { call } from '../test/support/http.ts';
import { startDev } from '../test/support/server.ts';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly status: number;
  /** The answer's `data`; undefined where there is none. */
  readonly data?: unknown;
}

export interface KeptFolder {
  readonly unsealKey: string;
  readonly rootToken: string;
  readonly asked: readonly Asked[];
}

const ROOT = 'root-of-the-kept-folder';

async function make(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coffer-kept-'));
  const server = await startDev({ rootToken: ROOT, args: [`-dev-data=${folder}`] });
  const send = async (method: string, path: string, body?: unknown, token = ROOT) => {
    const reply = await call(server.address, method, `/v1/${path}`, { token, body });
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.body;
  };
  try {
    await send('POST', 'sys/mounts/kv1', { type: 'kv', options: { version: '1' } });
    await send('POST', 'kv1/deep/er/secret', { text: 'ä\u0000<>', number: 12.5, list: [1, { two: null }] });
    await send('POST', 'sys/mounts/upgraded', { type: 'kv', options: { version: '1' } });
    await send('POST', 'upgraded/old', { from: 'v1' });
    await send('POST', 'sys/mounts/upgraded/tune', { options: { version: '2' } });
    await send('POST', 'secret/config', { max_versions: 4 });
    for (let n = 1; n <= 6; n++)
      await send('POST', 'secret/data/app/db', { data: { n, password: 'x'.repeat(n * 50) } });
    await send('POST', 'secret/destroy/app/db', { versions: [4] });
    await send('DELETE', 'secret/data/app/db');
    await send('POST', 'secret/undelete/app/db', { versions: [6] });
    await send('POST', 'secret/delete/app/db', { versions: [5] });
    await send('POST', 'secret/metadata/app/db', { custom_metadata: { owner: 'us' } });
    await send('POST', 'secret/data/long', { data: { text: 'long '.repeat(4_000) } });
    await send('PUT', 'sys/policies/acl/reader', {
      policy: 'path "secret/data/app/*" { capabilities = ["read"] }\n',
    });
    for (let n = 0; n < 40; n++)
      await send('PUT', `sys/policies/acl/many-${n}`, { policy: 'path "x" { capabilities = ["deny"] }' });
    const child = await send('POST', 'auth/token/create', {
      policies: ['reader'],
      no_parent: true,
      period: '9000h',
      display_name: 'kept',
    });
    const token = child.auth.client_token as string;
    await send('POST', 'sys/rotate');
    await send('POST', 'secret/data/after-rotation', { data: { term: 2 } });
    await send('POST', 'cubbyhole/mine', { of: 'the child' }, token);
    const paths: [string, string, string][] = [
      ['GET', 'kv1/deep/er/secret', ROOT],
      ['LIST', 'kv1/deep', ROOT],
      ['GET', 'upgraded/data/old', ROOT],
      ['GET', 'secret/config', ROOT],
      ['GET', 'secret/data/app/db', ROOT],
      ['GET', 'secret/data/app/db?version=3', ROOT],
      ['GET', 'secret/data/app/db?version=4', ROOT],
      ['GET', 'secret/data/app/db?version=5', ROOT],
      ['GET', 'secret/metadata/app/db', ROOT],
      ['LIST', 'secret/metadata', ROOT],
      ['GET', 'secret/data/long', ROOT],
      ['GET', 'secret/data/after-rotation', ROOT],
      ['GET', 'sys/policies/acl/reader', ROOT],
      ['LIST', 'sys/policies/acl', ROOT],
      ['GET', 'secret/data/app/db', token],
      ['GET', 'secret/data/long', token],
      ['GET', 'cubbyhole/mine', token],
    ];
    const asked: Asked[] = [];
    for (const [method, path, of] of paths) {
      const { status, body } = await call(server.address, method, `/v1/${path}`, { token: of });
      asked.push({ method, path, token: of, status, data: body?.data });
    }
    await server.stop();
    const unsealKey = readFileSync(join(folder, 'unseal-key'), 'utf8').trim();
    const kept: KeptFolder = { unsealKey, rootToken: ROOT, asked };
    const target = new URL(`../test/fixtures/data-folders/${COFFER_VERSION}`, import.meta.url).pathname;
    writeFileSync(`${target}.json`, `${JSON.stringify(kept, undefined, 1)}\n`);
    writeFileSync(
      `${target}.mdb.gz`,
      gzipSync(readFileSync(join(folder, 'store', 'coffer.mdb')), { level: 9 }),
    );
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) await make();
