/**
 * `node scripts/make-data-folder.ts`: makes `test/fixtures/data-folders/<version>/`, a small store of this build with its unseal keys and the
 * answers it gives. Run once for each release, and kept for ever: every later build must open it and answer the same.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { COFFER_VERSION } from '../src/model/version.ts';
import { type KeptFolder, lasting, openFolder } from '../test/support/data-folder.ts';
import { CONTENT, QUESTIONS } from '../test/support/data-folder-content.ts';

const KEPT = fileURLToPath(new URL('../test/fixtures/data-folders', import.meta.url));
const SHARES = { secret_shares: 5, secret_threshold: 3 };

const work = mkdtempSync(join(tmpdir(), 'coffer-kept-'));
try {
  const store = join(work, 'store');
  const tokens: Record<string, string> = {};
  const server = await openFolder(store);
  const open = async (method: string, path: string, send?: unknown) => {
    const reply = await server.ask({ as: undefined, method, path, send }, tokens);
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}`);
    return reply.body;
  };
  const { keys_base64: keys, root_token: root } = await open('PUT', 'sys/init', SHARES);
  tokens.root = root;
  for (const key of keys.slice(0, SHARES.secret_threshold)) await open('PUT', 'sys/unseal', { key });
  for (const { keep, ...question } of CONTENT) {
    const reply = await server.ask(question, tokens);
    if (reply.status !== 200 && reply.status !== 204) {
      throw new Error(`${question.method} ${question.path}: ${reply.status} ${reply.text}`);
    }
    if (keep !== undefined) tokens[keep] = reply.body.auth.client_token;
  }
  // As after a restart, so that the answers come from the store.
  await server.stop();
  const again = await openFolder(store);
  for (const key of keys.slice(2))
    await again.ask({ as: undefined, method: 'PUT', path: 'sys/unseal', send: { key } }, {});
  const answers = [];
  for (const question of QUESTIONS) {
    const { status, body } = await again.ask(question, tokens);
    answers.push({ ...question, status, body: lasting(body) });
  }
  await again.stop();

  const folder = join(KEPT, COFFER_VERSION);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const packed = gzipSync(readFileSync(join(store, 'coffer.mdb')), { level: 9 });
  writeFileSync(join(folder, 'coffer.mdb.gz'), packed);
  const kept: KeptFolder = {
    note: 'Made by scripts/make-data-folder.ts. Keys and tokens open nothing but the store beside this file.',
    version: COFFER_VERSION,
    keys,
    threshold: SHARES.secret_threshold,
    tokens,
    answers,
  };
  writeFileSync(join(folder, 'expected.json'), `${JSON.stringify(kept, undefined, 1)}\n`);
  console.log(`${folder}: ${packed.length} bytes of store, ${answers.length} answers`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
