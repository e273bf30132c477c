/** The release: what `npm pack` makes installs in an empty folder, and serves, with nothing of the clone at hand. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { call } from '../support/http.ts';
import { startServer } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

interface Packed {
  filename: string;
  files: { path: string }[];
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const folder = realpathSync(testFolder('release'));
const hadDist = existsSync(join(PROJECT, 'dist'));
after(() => {
  if (!hadDist) rmSync(join(PROJECT, 'dist'), { recursive: true, force: true });
});

/** Settings of an npm that runs this test are not those of its user. */
function npm(args: string[], cwd: string): string {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  return execFileSync('npm', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

test('npm pack holds launchers, JavaScript and docs; installed elsewhere it serves under both names', async () => {
  const printed = npm(['pack', '--json', '--silent', `--pack-destination=${folder}`], PROJECT);
  // The build, which npm runs first, says a line too.
  const [packed] = JSON.parse(printed.slice(printed.search(/^\[/m))) as [Packed];
  const paths = packed.files.map(({ path }) => path);
  for (const wanted of ['bin/coffer', 'bin/vault', 'dist/coffer.js', 'LICENSE', 'README.md', 'SECURITY.md']) {
    assert.ok(paths.includes(wanted), wanted);
  }
  assert.deepEqual(
    paths.filter((path) => path.endsWith('.ts') || /^(src|test|scripts|bench|node_modules)\//.test(path)),
    [],
  );

  const app = join(folder, 'app');
  mkdirSync(app);
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', join(folder, packed.filename)], app);
  const bin = join(app, 'node_modules/.bin');
  // Only what a machine has anyway: no Node of ours on PATH, nothing of the clone.
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder, NODE_OPTIONS: undefined };
  const version = execFileSync(join(bin, 'vault'), ['version'], { cwd: folder, env, encoding: 'utf8' });
  assert.match(version, /^Vault v1\.19\.5 \(Coffer \d+\.\d+\.\d+\)/);

  const port = await freePort();
  const server = await startServer({
    command: join(bin, 'coffer'),
    args: ['server', '-dev', '-dev-root-token-id=root', `-dev-listen-address=127.0.0.1:${port}`],
    cwd: app,
    env,
    address: `http://127.0.0.1:${port}`,
  });
  try {
    // It answers a moment before the root token is made, and prints it then.
    while (!server.stdout().includes('Root Token: root'))
      await new Promise((resolve) => setImmediate(resolve));
    const put = { token: 'root', body: { data: { who: 'world' } } };
    assert.equal((await call(server.address, 'POST', '/v1/secret/data/hello', put)).status, 200);
  } finally {
    await server.stop();
  }
});
