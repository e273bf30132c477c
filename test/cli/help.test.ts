/** Finding commands, and what is printed instead of running one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS, findCommand, loadCommand } from '../../src/cli/command-table.ts';
import { COFFER_VERSION } from '../../src/model/version.ts';
import { runInProcess } from './in-process.ts';

const run = (args: string[], name = 'vault') =>
  runInProcess(args, { COFFER_ARGV0: name, HOME: '/nonexistent' });

test('the longest run of words that names a command is the command', () => {
  assert.deepEqual(findCommand(['kv', 'metadata', 'get', '-mount=x', 'a']), {
    path: 'kv metadata get',
    args: ['-mount=x', 'a'],
    help: false,
    flagsBefore: false,
  });
  assert.equal(findCommand(['kv', 'nonsense']).path, 'kv');
  assert.deepEqual(findCommand(['read', 'secret/x']).args, ['secret/x']);
  assert.equal(findCommand(['token', '-x', 'create']).path, 'token');
  assert.equal(findCommand(['nonsense']).path, undefined);
  assert.equal(findCommand(['constructor']).path, undefined);
  assert.equal(findCommand([]).path, '');
});

test('help is asked for anywhere in front of a double dash', () => {
  for (const flag of ['-h', '-help', '--help']) assert(findCommand(['read', 'a', flag]).help);
  assert(!findCommand(['read', '--', '-h']).help);
});

test('every command loads, and its help names the program, every flag and every subcommand', async () => {
  for (const path of Object.keys(COMMANDS)) {
    const { exit, stdout, stderr } = await run([...path.split(' '), '-h'], 'coffer');
    assert.equal(exit, 0, path);
    assert.equal(stderr, '');
    assert(stdout.startsWith(`Usage: coffer ${path}`), `${path}: ${stdout.slice(0, 80)}`);
    assert(!stdout.includes('$ vault'), path);
    assert(stdout.split('\n').length > 3, `${path} explains itself`);
    for (const line of stdout.split('\n')) assert(line.length <= 120, `${path}: ${line}`);
    const command = await loadCommand(path);
    for (const [flag, { hidden }] of Object.entries(command?.flags ?? {})) {
      if (!hidden) assert.match(stdout, new RegExp(`^  -${flag}(?:=|$)`, 'm'), path);
    }
    for (const child of Object.keys(COMMANDS)) {
      if (child.startsWith(`${path} `) && !command)
        assert(stdout.includes(child.slice(path.length + 1).split(' ')[0] as string));
    }
  }
});

test('a group prints its help on standard error and exits with 1, as in Vault', async () => {
  const { exit, stdout, stderr } = await run(['token', 'nonsense']);
  assert.equal(exit, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^Usage: vault token <subcommand>.*^Subcommands:\n {4}capabilities /ms);
});

test('no command, or none of that name, is exit code 127 with all commands on standard error', async () => {
  for (const args of [[], ['nonsense'], ['-x']]) {
    const { exit, stdout, stderr } = await run(args);
    assert.equal(exit, 127);
    assert.equal(stdout, '');
    assert.match(stderr, /^Usage: vault <command> \[args\]\n\nCommon commands:\n {4}read /);
  }
  const asked = await run(['-h']);
  assert.equal(asked.exit, 0);
  assert.match(asked.stdout, /^Usage: vault <command>/);
});

test('flags in front of the command are refused', async () => {
  const { exit, stderr } = await run(['-address=x', 'status']);
  assert.equal(exit, 1);
  assert.match(
    stderr,
    /^Invalid flags before the subcommand\. If these flags are for\nthe subcommand, please put them after the subcommand\.\n\nUsage: vault status/,
  );
});

test('the version under both names, in all spellings', async () => {
  for (const spelling of ['-v', '-version', '--version', 'version']) {
    assert.equal((await run([spelling])).stdout, `Vault v1.19.5 (Coffer ${COFFER_VERSION})\n`);
    assert.equal((await run([spelling], 'coffer')).stdout, `Coffer v${COFFER_VERSION} (Vault 1.19.5)\n`);
  }
});

test('what sends nothing cannot be described', async () => {
  const described = await run(['version', '-output-curl-string']);
  assert.equal(described.exit, 1);
  assert.match(described.stderr, /Could not generate cURL command$/);
});
