import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { chooseTokenHelper, parseClientConfig } from '../../src/cli/token-helper.ts';
import { testFolder } from '../support/test-folder.ts';

const root = testFolder('helper');
let home = '';
beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'));
});

test('the token lies in ~/.vault-token, for its owner alone', async () => {
  const helper = chooseTokenHelper({ HOME: home });
  assert.equal(await helper.get(), '');
  await helper.store('one');
  await helper.store('two');
  assert.equal(readFileSync(join(home, '.vault-token'), 'utf8'), 'two');
  assert.equal(statSync(join(home, '.vault-token')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(home), ['.vault-token']);
});

test('a file that others could read is replaced, a link is not followed', async () => {
  writeFileSync(join(home, 'elsewhere'), 'untouched', { mode: 0o644 });
  symlinkSync(join(home, 'elsewhere'), join(home, '.vault-token'));
  await chooseTokenHelper({ HOME: home }).store('new');
  assert(!lstatSync(join(home, '.vault-token')).isSymbolicLink());
  assert.equal(statSync(join(home, '.vault-token')).mode & 0o777, 0o600);
  assert.equal(readFileSync(join(home, 'elsewhere'), 'utf8'), 'untouched');
});

test('white space around a stored token is dropped; VAULT_TOKEN_PATH names another file', async () => {
  writeFileSync(join(home, 'token'), ' t \n');
  assert.equal(await chooseTokenHelper({ HOME: home, VAULT_TOKEN_PATH: join(home, 'token') }).get(), 't');
});

test('a failed store leaves nothing behind', async () => {
  const helper = chooseTokenHelper({ HOME: join(home, 'nowhere') });
  await assert.rejects(helper.store('x'), /ENOENT/);
  assert.deepEqual(readdirSync(home), []);
});

test('a program that ~/.vault names is called with get and store', async () => {
  const program = join(home, 'helper');
  writeFileSync(
    program,
    `#!/bin/sh\ncase $1 in get) cat '${home}/kept';; store) cat > '${home}/kept';; esac\n`,
  );
  chmodSync(program, 0o700);
  writeFileSync(join(home, '.vault'), `# mine\ntoken_helper = "${program}" // yes\n`);
  const helper = chooseTokenHelper({ HOME: home, PATH: process.env.PATH });
  await helper.store('secret');
  assert.equal(await helper.get(), 'secret');
  assert(!readdirSync(home).includes('.vault-token'));
});

test('a program that fails is an error with what it said', async () => {
  writeFileSync(join(home, 'config'), 'token_helper = "/bin/false"\n');
  const helper = chooseTokenHelper({
    HOME: home,
    PATH: process.env.PATH,
    VAULT_CONFIG_PATH: join(home, 'config'),
  });
  await assert.rejects(helper.get(), { message: '"": exit status 1' });
});

test('the configuration is HCL or JSON with one key', () => {
  assert.equal(parseClientConfig('/* a\n b */\ntoken_helper="/x y"\n').get('token_helper'), '/x y');
  assert.equal(parseClientConfig('{"token_helper": "/x"}').get('token_helper'), '/x');
  assert.equal(parseClientConfig('').size, 0);
  assert.throws(() => parseClientConfig('\ntoken_helper = /x'), {
    message: 'line 2: expected key = "value"',
  });
  assert.throws(() => parseClientConfig('other = "x"'), { message: 'invalid key "other"' });
  assert.throws(() => parseClientConfig('$ANSIBLE_VAULT;1.1;AES256'), /line 1/);
});

test('without a home there is no file, and that is said', () => {
  assert.throws(() => chooseTokenHelper({}), /HOME is not set/);
});
