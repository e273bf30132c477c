import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testFolder } from '../support/test-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const folder = testFolder('launcher in a folder');

/** Prints how it was called. */
const PROGRAM =
  'console.log(JSON.stringify({ name: process.env.COFFER_ARGV0, args: process.argv.slice(2), cwd: process.cwd() }));\n';
let count = 0;

interface Clone {
  root: string;
  /** Runs a file of it with these tools only. */
  run(
    file: string,
    args?: string[],
    options?: { tools?: string; cwd?: string; env?: Record<string, string> },
  ): SpawnSyncReturns<string>;
}

/** A project of one file, with this project's launchers; what `npm ci` would bring is there if `installed`. */
function clone(installed: boolean): Clone {
  const root = join(folder, `clone-${++count}`);
  mkdirSync(join(root, 'src'), { recursive: true });
  cpSync(join(PROJECT, 'bin'), join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'scripts'));
  for (const name of ['install.sh', 'run'])
    cpSync(join(PROJECT, 'scripts', name), join(root, 'scripts', name));
  writeFileSync(join(root, 'src/coffer.ts'), PROGRAM);
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'package-lock.json'), '{}');
  if (installed) install(root);
  return {
    root,
    run(file, args = [], { tools = join(PROJECT, 'node_modules/.bin'), cwd = folder, env = {} } = {}) {
      const PATH = `${tools}:/usr/bin:/bin`;
      return spawnSync(file, args, { cwd, encoding: 'utf8', env: { PATH, HOME: folder, ...env } });
    },
  };
}

function install(root: string): void {
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
  symlinkSync(process.execPath, join(root, 'node_modules/.bin/node'));
  writeFileSync(join(root, 'node_modules/.package-lock.json'), '{}');
}

/** A folder of small programs that hide the real ones. */
function tools(programs: Record<string, string>): string {
  const where = join(folder, `tools-${++count}`);
  mkdirSync(where);
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(where, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return where;
}

const told = (done: SpawnSyncReturns<string>) => {
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout) as { name: string; args: string[]; cwd: string };
};

test('it runs from any folder, through links, under both names, and passes its arguments on', () => {
  const { root, run } = clone(true);
  const links = join(folder, 'links');
  mkdirSync(links);
  symlinkSync(join(root, 'bin/vault'), join(links, 'inner'));
  symlinkSync('inner', join(links, 'vault'));
  symlinkSync(join(root, 'bin/coffer'), join(links, 'coffer'));
  symlinkSync(join(root, 'bin'), join(links, 'bin'));
  const calls: [string, string[], string][] = [
    [join(root, 'bin/coffer'), [], 'coffer'],
    [join(root, 'bin/vault'), ['a', 'b c', '', '$x', '-v'], 'vault'],
    [join(links, 'vault'), ['x'], 'vault'],
    [join(links, 'coffer'), ['x'], 'coffer'],
    [join(links, 'bin/vault'), ['x'], 'vault'],
  ];
  for (const [file, args, name] of calls) {
    assert.deepEqual(told(run(file, args)), { name, args, cwd: folder }, file);
  }
  assert.equal(told(run('./coffer', ['x'], { cwd: join(root, 'bin') })).name, 'coffer');
  assert.equal(told(run('sh', ['vault', 'x'], { cwd: join(root, 'bin') })).name, 'vault');
});

test('nothing is installed when all is there, and the exit code is that of the program', () => {
  const { root, run } = clone(true);
  writeFileSync(join(root, 'src/coffer.ts'), 'process.exitCode = 2;');
  const done = run(join(root, 'bin/coffer'), [], {
    tools: tools({ npm: 'echo npm was called >&2; exit 1' }),
  });
  assert.deepEqual([done.status, done.stdout, done.stderr], [2, '', '']);
});

/** Does what `npm ci` does, after a moment, and counts how often. */
const FAKE_NPM = `echo run >>"$PWD/npm-runs"; sleep 0.3; mkdir -p node_modules/.bin; ln -sf '${process.execPath}' node_modules/.bin/node; echo '{}' >node_modules/.package-lock.json`;

test('a fresh clone is installed first, with a line that says so; newer versions again', () => {
  const { root, run } = clone(false);
  const npm = tools({ npm: FAKE_NPM, node: 'echo v20.1.0' });
  const first = run(join(root, 'bin/coffer'), ['a'], { tools: npm });
  assert.deepEqual(told(first).args, ['a']);
  assert.match(first.stderr, /^coffer: first start or new versions: installing/);
  assert.equal(run(join(root, 'bin/coffer'), ['a'], { tools: npm }).stderr, '');
  const later = Date.now() / 1_000 + 60;
  utimesSync(join(root, 'package-lock.json'), later, later);
  assert.match(run(join(root, 'bin/coffer'), [], { tools: npm }).stderr, /installing/);
  assert.equal(readFileSync(join(root, 'npm-runs'), 'utf8'), 'run\nrun\n');
});

test('two first starts at once install once, and both run', async () => {
  const { root } = clone(false);
  const env = { PATH: `${tools({ npm: FAKE_NPM, node: 'echo v20.1.0' })}:/usr/bin:/bin`, HOME: folder };
  const start = (): Promise<number | null> => {
    const child = spawn(join(root, 'bin/coffer'), [], { env, stdio: 'ignore' });
    return new Promise((done) => child.on('exit', done));
  };
  assert.deepEqual(await Promise.all([start(), start(), start()]), [0, 0, 0]);
  assert.equal(readFileSync(join(root, 'npm-runs'), 'utf8'), 'run\n');
  assert.ok(!existsSync(join(root, '.cache/install.lock')));
});

test('the lock of an install that was killed is taken over', () => {
  const { root, run } = clone(false);
  mkdirSync(join(root, '.cache/install.lock'), { recursive: true });
  // No process has this number: Linux and macOS stop below.
  writeFileSync(join(root, '.cache/install.lock/pid'), '4194305\n');
  const done = run(join(root, 'bin/coffer'), [], { tools: tools({ npm: FAKE_NPM, node: 'echo v20.1.0' }) });
  assert.equal(done.status, 0, done.stderr);
  assert.ok(!existsSync(join(root, '.cache/install.lock')));
});

const npmThat = (says: string) => ({
  node: 'echo v22.0.0',
  npm: `echo 'npm error code ${says}' >&2; exit 1`,
});
const FAILURES: [string, Record<string, string>, RegExp][] = [
  ['an old Node', { node: 'echo v18.20.1' }, /Node\.js v18\.20\.1 is too old .* 20 or newer: \S+/],
  [
    'no network',
    npmThat('ENOTFOUND'),
    /cannot reach its registry \(ENOTFOUND\).*: npm config set https-proxy/,
  ],
  ['a full disk', npmThat('ENOSPC'), /disk is full.*: df -h/],
  ['no right to write', npmThat('EACCES'), /EACCES.*: sudo chown/],
  [
    'a certificate nobody knows',
    npmThat('SELF_SIGNED_CERT_IN_CHAIN'),
    /SELF_SIGNED_CERT_IN_CHAIN.*: npm config set cafile/,
  ],
  ['anything else', npmThat('E500'), /npm ci failed .*install\.log.*: cd '.*' && npm ci/],
  [
    'a processor without a Node',
    { uname: 'if [ "$1" = -m ]; then echo riscv64; else echo Linux; fi' },
    /no Node 26 package for Linux riscv64.*: docker run/,
  ],
];
for (const [what, programs, text] of FAILURES) {
  test(`told in one sentence with the command that helps: ${what}`, () => {
    const { root, run } = clone(false);
    const done = run(join(root, 'bin/vault'), [], { tools: tools(programs) });
    assert.equal(done.status, 1);
    const lines = done.stderr.trimEnd().split('\n');
    assert.ok(lines.length <= 2);
    assert.match(lines.at(-1)!, text);
    assert.match(lines.at(-1)!, /^vault: /);
  });
}

test('a release, which has no src/, runs dist/coffer.js with the Node beside it', () => {
  const { root, run } = clone(true);
  rmSync(join(root, 'src'), { recursive: true });
  mkdirSync(join(root, 'dist'));
  writeFileSync(join(root, 'dist/coffer.js'), PROGRAM);
  assert.equal(told(run(join(root, 'bin/coffer'))).name, 'coffer');
  // As npm lays it out: the package among others, its Node hoisted beside them, launchers linked.
  const app = join(folder, 'app');
  cpSync(root, join(app, 'node_modules/coffer'), { recursive: true });
  rmSync(join(app, 'node_modules/coffer/node_modules'), { recursive: true });
  mkdirSync(join(app, 'node_modules/.bin'));
  symlinkSync(process.execPath, join(app, 'node_modules/.bin/node'));
  symlinkSync('../coffer/bin/vault', join(app, 'node_modules/.bin/vault'));
  assert.equal(told(run(join(app, 'node_modules/.bin/vault'))).name, 'vault');
  rmSync(join(app, 'node_modules/.bin/node'));
  const without = run(join(app, 'node_modules/.bin/vault'));
  assert.deepEqual([without.status, without.stdout], [1, '']);
  assert.match(without.stderr, /npm installed no Node 26 .*`npm install --include=optional`/);
});

test('scripts/run runs a file of the project from any folder, with the tools of the project first', () => {
  const { root, run } = clone(true);
  writeFileSync(
    join(root, 'scripts/hello.ts'),
    'console.log(process.argv.slice(2), process.env.PATH!.split(":")[0]);',
  );
  const done = run(join(root, 'scripts/run'), ['scripts/hello.ts', 'a b']);
  assert.equal(done.stdout, `[ 'a b' ] ${join(root, 'node_modules/.bin')}\n`);
  assert.equal(run(join(root, 'scripts/run')).status, 2);
});
