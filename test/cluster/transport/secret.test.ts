import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  newClusterSecret,
  parseClusterSecrets,
  readClusterSecrets,
} from '../../../src/cluster/transport/secret.ts';
import { testFolder } from '../../support/test-folder.ts';

test('what is made is read: 32 bytes', () => {
  const text = newClusterSecret(randomBytes);
  assert.match(text, /^[A-Za-z0-9+/]{43}=$/);
  assert.equal(parseClusterSecrets(`${text}\n`)[0]?.length, 32);
  assert.notEqual(newClusterSecret(randomBytes), text);
});

test('several, in their order, with comments between', () => {
  const made = [1, 2, 3, 4].map((n) => Buffer.alloc(32, n));
  const lines = made.map((secret) => secret.toString('base64'));
  const text = `# the new one\r\n${lines[0]}\r\n\n  ${lines[1]}  \n#\n${lines[2]}\n${lines[3]}`;
  assert.deepEqual(parseClusterSecrets(text), made);
  assert.throws(() => parseClusterSecrets(`${text}\n${lines[0]}`), /at most 4/);
});

test('anything else is refused, and not repeated', () => {
  const good = newClusterSecret(randomBytes);
  const bad = [
    '',
    '# only',
    'password',
    good.slice(0, -1),
    `${good}=`,
    good.replace('=', ''),
    `!${good}`,
    `${good} x`,
  ];
  bad.push(Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64'), good.slice(4));
  for (const text of bad) {
    assert.throws(
      () => parseClusterSecrets(text),
      (error: Error) => {
        assert(text.length < 4 || !error.message.includes(text.slice(0, 20)) || text === 'password');
        assert(!error.message.includes('password'));
        return true;
      },
      JSON.stringify(text),
    );
  }
});

test('a file for its owner alone', () => {
  const folder = testFolder('secret');
  const file = join(folder, 'cluster-secret');
  assert.throws(
    () => readClusterSecrets(file),
    /cluster-secret cannot be used: it does not exist; `coffer cluster secret` makes one$/,
  );
  writeFileSync(file, newClusterSecret(randomBytes), { mode: 0o600 });
  assert.equal(readClusterSecrets(file).length, 1);
  chmodSync(file, 0o640);
  assert.throws(() => readClusterSecrets(file), /others than its owner.*0640.*chmod 600/);
  chmodSync(file, 0o600);
  writeFileSync(file, '#'.repeat(20_000));
  assert.throws(() => readClusterSecrets(file), /too many/);
});
