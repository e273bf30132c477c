/** The scripts in the shells themselves: bash with readline at a terminal, zsh's and fish's from Debian's packages. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { completionScript } from '../../../src/cli/completion/scripts.ts';
import { asking, succeed } from '../../support/asking.ts';
import { findProgram } from '../../support/debian-package.ts';
import { missing } from '../../support/missing.ts';
import { COFFER_ENTRY, type RunningServer, startDev } from '../../support/server.ts';
import { testFolder } from '../../support/test-folder.ts';
import { runInProcess } from '../in-process.ts';

// Before any test: one that is waited for in the midst would have the first ones end the file.
const TRIPLET = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
const zsh = await findProgram({ package: 'zsh', version: '5.9', suite: 'bookworm', path: 'bin/zsh' });
const fish = await findProgram({
  package: 'fish',
  version: '3.6.0',
  suite: 'bookworm',
  path: 'usr/bin/fish',
});
const pcre = await findProgram({
  package: 'libpcre2-32-0',
  version: '10.42',
  suite: 'bookworm',
  path: `usr/lib/${TRIPLET}/libpcre2-32.so.0`,
});

const WAIT_MS = 60_000;
const folder = testFolder('completion in a folder');
const program = join(folder, 'coffer');
let server: RunningServer;
let env: Record<string, string>;
before(async () => {
  server = await startDev();
  const root = asking(server.address);
  for (const path of ['app/db', 'apple', 'team%20one/s', '%24(touch%20x)'])
    await succeed(root, 'POST', `secret/data/${path}`, { data: { a: 'b' } });
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${COFFER_ENTRY}' "$@"\n`);
  chmodSync(program, 0o755);
  for (const shell of ['bash', 'zsh', 'fish'] as const)
    writeFileSync(join(folder, shell), completionScript(shell, 'coffer', program));
  env = {
    PATH: process.env.PATH!,
    HOME: folder,
    TERM: 'dumb',
    LC_ALL: 'C.UTF-8',
    VAULT_ADDR: server.address,
    VAULT_TOKEN: 'root',
    // A machine that has other things to do answers late.
    VAULT_CLIENT_TIMEOUT: '60',
  };
});
after(() => server?.stop());

/** What bash's own completion puts into COMPREPLY, its variables set as readline sets them. */
function inBash(words: string[], line = words.join(' ')): string[] {
  const script = `. "$0/bash"; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMP_LINE=$LINE; COMP_POINT=\${#LINE}
    complete -p coffer >/dev/null || exit 9
    _coffer_complete coffer "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
    (( \${#COMPREPLY[@]} )) && printf '%s\\n' "\${COMPREPLY[@]}"; true`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, folder, ...words], {
    env: { ...env, LINE: line },
    encoding: 'utf8',
    timeout: WAIT_MS,
  });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return stdout.split('\n').slice(0, -1);
}

test('bash: commands, flags, paths', () => {
  assert.deepEqual(inBash(['coffer', 'kv', 'metadata', 'p']), ['patch ', 'put ']);
  assert.deepEqual(inBash(['coffer', 'kv', 'get', '-ver']), ['-version=']);
  assert.deepEqual(inBash(['coffer', 'kv', 'get', 'secret/ap']), ['secret/app/', 'secret/apple ']);
  // bash breaks a word at `=`.
  assert.deepEqual(inBash(['coffer', 'kv', 'get', '-mount', '=', 'se'], 'coffer kv get -mount=se'), [
    'secret ',
  ]);
  assert.deepEqual(inBash(['coffer', 'nonsense', '']), []);
});

test('bash at a terminal: tab completes, and a name is no command', async (t) => {
  if (spawnSync('script', ['--version']).error)
    return t.skip(missing('script (util-linux), which gives bash a terminal'));
  const typed = [
    `. '${join(folder, 'bash')}'`,
    // What is completed is then run, and shows how bash reads it.
    'coffer() { printf \'<%s>\' "$@" RAN; echo; }',
    'coffer kv me\tg\t-mou\tsec\tap\t/\tx',
    'coffer kv get secret/te\ts',
    'coffer kv get secret/\\$\t',
    'exit',
  ];
  const child = spawn('script', ['-qec', 'bash --norc --noprofile -i', '/dev/null'], { env, cwd: folder });
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk;
  });
  child.stdin.write(`${typed.join('\n')}\n`);
  const timer = setTimeout(() => child.kill('SIGKILL'), WAIT_MS);
  await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  assert(seen.includes('<kv><metadata><get><-mount=secret><app'), seen);
  assert(seen.includes('<kv><get><secret/team one/s><RAN>'), seen);
  assert(seen.includes('<kv><get><secret/$(touch x)><RAN>'), seen);
  assert(!existsSync(join(folder, 'x')), 'the name of a secret was run');
});

test('zsh: what is offered, whole or begun', (t) => {
  if ('missing' in zsh) return t.skip(missing(zsh.missing));
  execFileSync(zsh.path, ['-fn', join(folder, 'zsh')], { timeout: WAIT_MS });
  // The line editor is a module of its own, which is not there: what it would be told is looked at.
  const modules = join(dirname(zsh.path), '../usr/lib', TRIPLET, 'zsh/5.9');
  const script = `module_path=('${modules}'); compdef() { print -r -- "compdef $*" }; _files() { print -r -- files }
    compadd() { local suffix="$2"; shift 3; local one; for one in "$@"; do print -r -- "<$one|$suffix>"; done }
    . "$1"; shift; words=("$@"); CURRENT=$#; _coffer`;
  const offered = (...words: string[]) =>
    execFileSync(zsh.path, ['-fc', script, 'zsh', join(folder, 'zsh'), ...words], {
      env,
      encoding: 'utf8',
      timeout: WAIT_MS,
    })
      .trimEnd()
      .split('\n');
  assert.deepEqual(offered('coffer', 'kv', 'metadata', 'p'), [
    'compdef _coffer coffer',
    '<patch| >',
    '<put| >',
  ]);
  assert.deepEqual(offered('coffer', 'kv', 'get', 'secret/ap').slice(1), [
    '<secret/apple| >',
    '<secret/app/|>',
  ]);
  assert.deepEqual(offered('coffer', 'kv', 'get', 'secret/te').slice(1), ['<secret/team one/|>']);
  assert.deepEqual(offered('coffer', 'nonsense', '').slice(1), ['files']);
});

test('fish: its own completion', (t) => {
  const lacking = [fish, pcre].find((one) => 'missing' in one);
  if (lacking) return t.skip(missing((lacking as { missing: string }).missing));
  const { path } = fish as { path: string };
  const library = dirname((pcre as { path: string }).path);
  const offered = (line: string) =>
    execFileSync(path, ['--no-config', '-c', `source '${join(folder, 'fish')}'; complete -C '${line}'`], {
      env: { ...env, LD_LIBRARY_PATH: library },
      encoding: 'utf8',
      timeout: WAIT_MS,
    })
      .trimEnd()
      .split('\n');
  assert.deepEqual(offered('coffer kv metadata p'), [
    'patch\tChanges some settings of a secret',
    'put\tSets the settings of a secret',
  ]);
  assert.deepEqual(offered('coffer kv get secret/ap').sort(), ['secret/app/', 'secret/apple']);
});

test('installed into the files of shells, once; taken out again, and nothing else with it', async () => {
  const home = join(folder, 'home');
  const config = join(home, '.config');
  mkdirSync(join(config, 'fish'), { recursive: true });
  writeFileSync(join(home, '.bashrc'), 'alias l=ls');
  writeFileSync(join(home, '.zshrc'), '# mine\n');
  const run = (flag: string, more = {}) =>
    runInProcess([flag], { HOME: home, COFFER_PROGRAM: program, ...more });
  assert.equal((await run('-autocomplete-uninstall')).exit, 1, 'nothing is there yet');
  const made = await run('-autocomplete-install');
  assert.equal(made.exit, 0, made.stderr);
  const bashScript = join(config, 'coffer', 'completion-coffer.bash');
  assert.equal(
    readFileSync(join(home, '.bashrc'), 'utf8'),
    `alias l=ls\n[ -r '${bashScript}' ] && . '${bashScript}'\n`,
  );
  assert.match(
    readFileSync(join(home, '.zshrc'), 'utf8'),
    /^# mine\n\[ -r '.*completion-coffer\.zsh' \] && \. '/,
  );
  assert.equal(
    readFileSync(join(config, 'fish/completions/coffer.fish'), 'utf8'),
    completionScript('fish', 'coffer', program),
  );
  const { stdout } = spawnSync(
    'bash',
    ['--noprofile', '--rcfile', join(home, '.bashrc'), '-ic', 'complete -p coffer'],
    {
      env: { ...env, HOME: home },
      encoding: 'utf8',
    },
  );
  assert.match(stdout, /-F _coffer_complete coffer/);
  const again = await run('--autocomplete-install');
  assert.equal(again.exit, 1);
  assert.match(again.stderr, /installed already/);
  assert.equal(
    (await run('-autocomplete-install', { COFFER_ARGV0: 'vault' })).exit,
    0,
    'the other name is another program',
  );
  assert.equal((await run('-autocomplete-uninstall', { COFFER_ARGV0: 'vault' })).exit, 0);
  assert.equal((await run('-autocomplete-uninstall')).exit, 0);
  assert.equal(readFileSync(join(home, '.bashrc'), 'utf8'), 'alias l=ls\n');
  assert.equal(readFileSync(join(home, '.zshrc'), 'utf8'), '# mine\n');
  for (const path of [
    'coffer/completion-coffer.bash',
    'coffer/completion-coffer.zsh',
    'fish/completions/coffer.fish',
  ])
    assert(!existsSync(join(config, path)), path);
  assert.equal((await run('-autocomplete-install', { HOME: '' })).exit, 1);
});

test('the command prints a script for each shell, and no other', async () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const { exit, stdout } = await runInProcess(['completion', shell], {
      COFFER_PROGRAM: "/it's/coffer",
      COFFER_ARGV0: 'vault',
    });
    assert.equal(exit, 0);
    assert.equal(stdout, completionScript(shell, 'vault', "/it's/coffer"));
  }
  for (const args of [[], ['csh'], ['bash', 'zsh']])
    assert.equal((await runInProcess(['completion', ...args], {})).exit, 1);
});
