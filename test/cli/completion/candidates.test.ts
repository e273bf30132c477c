/** What lines go on with, against a real server; and how shells' words are read and written. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { escapedForBash, parseLine } from '../../../src/cli/completion/words.ts';
import { type Ask, asking, makeToken, succeed } from '../../support/asking.ts';
import { type RunningServer, startDev } from '../../support/server.ts';
import { runInProcess } from '../in-process.ts';

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
  await succeed(root, 'POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
  await succeed(root, 'POST', 'sys/auth/userpass', { type: 'userpass' });
  for (const path of ['app/db', 'app/deep/x', 'apple', 'team%20one/s', '%24(touch%20x)'])
    await succeed(root, 'POST', `secret/data/${path}`, { data: { a: 'b' } });
  await succeed(root, 'POST', 'old/legacy', { a: 'b' });
  await succeed(root, 'PUT', 'sys/policies/acl/mine', { policy: 'path "a" { capabilities = ["read"] }' });
});
after(() => server.stop());

async function complete(
  line: string,
  more: Record<string, string> = {},
  args: string[] = [],
): Promise<string[]> {
  const { exit, stdout, stderr } = await runInProcess(args, {
    HOME: '/nonexistent',
    VAULT_ADDR: server.address,
    VAULT_TOKEN: 'root',
    COMP_LINE: line,
    COFFER_COMPLETE: 'zsh',
    VAULT_CLIENT_TIMEOUT: '60',
    ...more,
  });
  assert.equal(exit, 0);
  assert.equal(stderr, '', 'whatever goes wrong, nothing is said');
  return stdout.split('\n').slice(0, -1);
}

const CASES: readonly (readonly [line: string, expected: string[]])[] = [
  ['coffer pol', ['policy ']],
  ['coffer policy ', ['delete ', 'explain ', 'fmt ', 'list ', 'read ', 'write ']],
  ['coffer kv metadata p', ['patch ', 'put ']],
  ['coffer kv get -ver', ['-version=']],
  ['coffer kv get --vers', ['--version=']],
  ['coffer kv list -recurs', ['-recursive ']],
  ['coffer kv get -format=j', ['-format=json ']],
  ['coffer kv get -format ya', ['yaml ']],
  ['coffer read -format=r', ['-format=raw ']],
  ['coffer kv get -mount=s', ['-mount=secret ']],
  ['coffer kv get -mount ol', ['old ']],
  ['coffer kv get s', ['secret/']],
  ['coffer kv get secret/ap', ['secret/app/', 'secret/apple ']],
  ['coffer kv get secret/app/', ['secret/app/db ', 'secret/app/deep/']],
  ['coffer kv get -mount=secret app/d', ['app/db ', 'app/deep/']],
  ['coffer kv list -recursive -mount=secret team', ['team one/']],
  ['coffer kv get old/', ['old/legacy ']],
  ['coffer read secret/data/app/', ['secret/data/app/db ', 'secret/data/app/deep/']],
  [
    'coffer read secret/',
    ['data/', 'delete/', 'destroy/', 'metadata/', 'subkeys/', 'undelete/'].map((one) => `secret/${one}`),
  ],
  ['coffer list auth/us', ['auth/userpass/']],
  ['coffer write old/leg', ['old/legacy ']],
  ['coffer write old/legacy a', []],
  ['coffer policy read m', ['mine ']],
  ['coffer policy explain G', ['GET ']],
  ['coffer policy explain GET secret/data/app/db', ['secret/data/app/db ']],
  ['coffer auth disable u', ['userpass/']],
  ['coffer secrets tune ol', ['old/']],
  ['coffer completion z', ['zsh ']],
  ['coffer server -dev-root', ['-dev-root-token-id=']],
  ['coffer nonsense ', []],
  ['coffer kv get -nonsense ', []],
  ['coffer kv get -version=x secret/', []],
];
for (const [line, expected] of CASES)
  test(`${line} → ${expected.join(', ')}`, async () => assert.deepEqual(await complete(line), expected));

test('only up to the cursor', async () => {
  assert.deepEqual(await complete('coffer pol secret/x', { COMP_POINT: '10' }), ['policy ']);
});

test('as bash breaks words: only what follows, signs escaped, nothing unsafe within quotes', async () => {
  const bash = { COFFER_COMPLETE: 'bash' };
  const word = (cur: string) => ['coffer', cur, 'x'];
  assert.deepEqual(await complete('coffer kv get -mount=se', bash, word('se')), ['secret ']);
  assert.deepEqual(await complete('coffer kv get -mount=', bash, word('')), ['old ', 'secret ']);
  assert.deepEqual(await complete('coffer kv get secret/te', bash, word('secret/te')), [
    'secret/team\\ one/',
  ]);
  assert.deepEqual(await complete('coffer kv get secret/team\\ o', bash, word('secret/team\\ o')), [
    'secret/team\\ one/',
  ]);
  assert.deepEqual(await complete('coffer kv get secret/\\$', bash, word('secret/\\$')), [
    'secret/\\$\\(touch\\ x\\) ',
  ]);
  assert.deepEqual(await complete('coffer kv get "secret/', bash, word('secret/')), [
    'secret/app/',
    'secret/apple ',
  ]);
  // As Vault's own line in .bashrc calls it.
  assert.deepEqual(
    await complete('vault kv get secret/appl', { COFFER_COMPLETE: '', COFFER_ARGV0: 'vault' }, [
      'vault',
      'secret/appl',
      'get',
    ]),
    ['secret/apple '],
  );
});

test('for fish with what they are', async () => {
  assert.deepEqual(await complete('coffer policy e', { COFFER_COMPLETE: 'fish' }), [
    'explain\tSays why a request would be let pass or not',
  ]);
});

test('no server, no token, no right, no answer: nothing, quickly, and in silence', async () => {
  const line = 'coffer kv get secret/';
  assert.deepEqual(await complete(line, { VAULT_ADDR: '' }), []);
  assert.deepEqual(await complete(line, { VAULT_TOKEN: '' }), []);
  assert.deepEqual(await complete(line, { VAULT_TOKEN: 'hvs.none' }), []);
  assert.deepEqual(await complete(line, { VAULT_ADDR: 'http://127.0.0.1:1' }), []);
  assert.deepEqual(await complete(line, { VAULT_ADDR: 'nonsense://' }), []);
  const poor = await makeToken(root, { policies: ['default'] });
  assert.deepEqual(await complete(line, { VAULT_TOKEN: poor.token }), []);
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const startedMs = performance.now();
  assert.deepEqual(
    await complete(line, {
      VAULT_ADDR: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      VAULT_CLIENT_TIMEOUT: '',
    }),
    [],
  );
  assert(performance.now() - startedMs < 8_000, 'it does not wait for long');
  silent.closeAllConnections();
  silent.close();
});

test('names that a terminal would take for more than text are left out', async () => {
  const odd = createServer((request, response) => {
    const keys = ['ok', 'bad\u001b[31m', 'two\nlines'];
    response.end(
      request.url!.startsWith('/v1/sys/internal/ui/mounts')
        ? JSON.stringify({ data: { secret: { 'old/': { type: 'kv', options: null } }, auth: {} } })
        : JSON.stringify({ data: { keys } }),
    );
  });
  await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(odd.address() as AddressInfo).port}`;
  assert.deepEqual(await complete('coffer kv get old/', { VAULT_ADDR: address }), ['old/ok ']);
  odd.close();
});

test('words as shells have them', () => {
  const read = (text: string) => {
    const { words, current, isQuoted } = parseLine(text);
    return [words, current, isQuoted];
  };
  assert.deepEqual(read(''), [[], '', false]);
  assert.deepEqual(read('a b'), [['a'], 'b', false]);
  assert.deepEqual(read('a  b '), [['a', 'b'], '', false]);
  assert.deepEqual(read("a 'b c' \"d e"), [['a', 'b c'], 'd e', true]);
  assert.deepEqual(read("a '' b"), [['a', ''], 'b', false]);
  assert.deepEqual(read('a b\\ c'), [['a'], 'b c', false]);
});

test('what is escaped for bash is read back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
      if (/[\p{Cc}\s]/u.test(text.replaceAll(' ', ''))) return;
      assert.equal(parseLine(escapedForBash(text)).current, text);
    }),
  );
});
