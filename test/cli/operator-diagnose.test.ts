/** `operator diagnose` and `operator usage`. Marks and exit codes: Vault's documentation, commands/operator/diagnose. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDevTls } from '../../src/dev-tls.ts';
import { runToEnd } from '../support/configured.ts';
import { freePort } from '../support/free-port.ts';
import { noOwnMounts, readOnly, withMounts } from '../support/own-mounts.ts';
import { testFolder } from '../support/test-folder.ts';
import { runInProcess } from './in-process.ts';

const dir = testFolder('diagnose');

const run = (args: string[], env: Record<string, string> = {}) =>
  runInProcess(['operator', ...args], { COFFER_ARGV0: 'vault', HOME: dir, ...env });

function config(text: string): string {
  const file = join(dir, 'config.hcl');
  writeFileSync(file, text);
  return `-config=${file}`;
}

interface Shown {
  name: string;
  status: string;
  message?: string;
  children?: Shown[];
}

async function diagnosed(
  text: string,
  ...args: string[]
): Promise<{ exit: number; at(name: string): Shown }> {
  const { exit, stdout, stderr } = await run(['diagnose', config(text), '-format=json', ...args]);
  assert.equal(stderr, '');
  const flat = (one: Shown): Shown[] => [one, ...(one.children ?? []).flatMap(flat)];
  const found = flat(JSON.parse(stdout));
  return { exit, at: (name) => found.find((one) => one.name === name) ?? assert.fail(`no ${name}`) };
}

async function listener(lines = 'tls_disable = true'): Promise<{ address: string; text: string }> {
  const address = `127.0.0.1:${await freePort()}`;
  return { address, text: `listener "tcp" {\n  address = "${address}"\n  ${lines}\n}\n` };
}

const storage = (name = 'data') => `storage "file" {\n  path = "${join(dir, name)}"\n}\n`;

test('-debug shows the settings in force, how long each check took, and whole errors; nothing of it without', async () => {
  const { address, text } = await listener();
  writeFileSync(join(dir, 'no-folder'), '');
  const wrong = `storage "file" {\n  path = "${join(dir, 'no-folder', 'data')}"\n}\n`;
  const flag = config(`${text}${wrong}default_lease_ttl = "90m"\n`);
  const plain = await run(['diagnose', flag]);
  assert.doesNotMatch(plain.stdout, / ms\)|default_lease_ttl/);
  const shown = await run(['diagnose', '-debug', flag]);
  assert.equal(shown.exit, 1);
  assert.match(shown.stdout, /^ {2}\[ success \] Parse Configuration \([\d.]+ ms\)$/m);
  assert.match(shown.stdout, /^ {6}default_lease_ttl = 5400$/m);
  assert.match(shown.stdout, new RegExp(`Check ${address}: .* \\([\\d.]+ ms\\)`));
  const asJson = await run(['diagnose', '-debug', '-format=json', flag]);
  const found = JSON.parse(asJson.stdout).children.find(({ name }: Shown) => name === 'Check Storage');
  assert.equal(typeof found.took_ms, 'number');
  assert.equal(found.details[0], found.message);
});

test('a sound configuration: nothing worse than a warning, and nothing is left behind', async () => {
  const { address, text } = await listener();
  const { exit, at } = await diagnosed(text + storage());
  assert.equal(at('Parse Configuration').status, 'ok');
  assert.equal(at('Check Storage').status, 'ok');
  assert.equal(at('Check Autounseal Encryption').status, 'skipped');
  assert.deepEqual(at(`Check ${address}`), {
    name: `Check ${address}`,
    status: 'warn',
    message: 'TLS is disabled in this listener.',
  });
  assert.equal(exit, 2);
});

test('for people: a line for each, marked and indented', async () => {
  const { text } = await listener();
  const { stdout } = await run(['diagnose', config(text + storage())]);
  assert.match(
    stdout,
    /^Vault v1\.19\.5\n\nResults:\n\[ warning \] Vault Diagnose\n {2}\[ \w+ \] Check Operating System\n/,
  );
  assert.match(stdout, /\n {2}\[ success \] Parse Configuration\n {2}\[ success \] Check Storage\n/);
});

test('TLS: its certificate is looked at, and one that is over is a failure', async () => {
  for (const name of ['tls', 'old']) mkdirSync(join(dir, name));
  const files = makeDevTls(join(dir, 'tls'), [], Date.now());
  const lines = `tls_cert_file = "${files.certFile}"\n  tls_key_file = "${files.keyFile}"`;
  const good = await listener(lines);
  // A development certificate does not live long.
  const soon = (await diagnosed(good.text + storage())).at(`Check ${good.address}`);
  assert.equal(soon.status, 'warn');
  assert.match(soon.message!, /^the certificate expires on \d{4}-/);
  const old = makeDevTls(join(dir, 'old'), [], Date.now() - 20 * 365 * 86_400_000);
  const over = await listener(`tls_cert_file = "${old.certFile}"\n  tls_key_file = "${old.keyFile}"`);
  const { exit, at } = await diagnosed(over.text + storage());
  assert.match(at(`Check ${over.address}`).message!, /^the certificate expired on /);
  assert.equal(exit, 1);
  const none = await listener('tls_cert_file = "/none"\n  tls_key_file = "/none"');
  assert.match(
    (await diagnosed(none.text + storage())).at(`Check ${none.address}`).message!,
    /cannot read \/none: no such file or folder/,
  );
});

test('a port that is taken is a failure, unless listeners are not looked at', async () => {
  const taken = createSocketServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const text = `listener "tcp" {\n  address = "${address}"\n  tls_disable = true\n}\n${storage()}`;
  const { exit, at } = await diagnosed(text);
  assert.match(at(`Check ${address}`).message!, /is in use/);
  assert.equal(exit, 1);
  assert.equal((await diagnosed(text, '-skip=listener')).at('Check Listeners').status, 'skipped');
  await new Promise((resolve) => taken.close(resolve));
});

test('a folder that cannot be written, by root neither, is a failure', { skip: noOwnMounts }, async () => {
  const closed = join(dir, 'closed');
  mkdirSync(closed);
  const { text } = await listener();
  const { code, stdout } = await runToEnd(['operator', 'diagnose', config(text + storage('closed'))], {
    wrapper: withMounts([readOnly(closed)]),
  });
  assert.equal(code, 1);
  assert.match(stdout, /\[ failure \] Check Storage: .* cannot be (?:opened|written)/);
});

test('what cannot be read as a configuration is named; none at all: exit code 3', async () => {
  const { exit, at } = await diagnosed('listener "udp" {}');
  assert.equal(at('Parse Configuration').status, 'fail');
  assert.equal(exit, 1);
  const none = await run(['diagnose']);
  assert.deepEqual([none.exit, none.stderr], [3, 'Must specify a configuration file using -config.\n']);
});

/** A server that answers these paths with that, and others with 404. */
async function answering(
  replies: Record<string, unknown>,
  use: (address: string, asked: string[]) => Promise<void>,
) {
  const asked: string[] = [];
  const server = createServer(({ url }, response) => {
    asked.push(url!);
    const body = replies[url!.replace(/\?.*$/, '')];
    response.statusCode = body === undefined ? 404 : body === null ? 204 : 200;
    response.end(body ? JSON.stringify(body) : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked);
  } finally {
    server.close();
  }
}

const ACTIVITY = '/v1/sys/internal/counters/activity';

test('usage: by namespace, and in all', async () => {
  const counts = { entity_clients: 2, non_entity_clients: 1, secret_syncs: 0, acme_clients: 0, clients: 3 };
  const data = {
    start_time: '2026-06-01T00:00:00Z',
    end_time: '2026-06-30T23:59:59Z',
    by_namespace: [{ namespace_id: 'root', namespace_path: '', counts }],
    total: counts,
  };
  await answering({ [ACTIVITY]: { data } }, async (address, asked) => {
    const { exit, stdout } = await run(['usage', '-start-time=2026-06', '-end-time=1782863999'], {
      VAULT_ADDR: address,
    });
    assert.equal(exit, 0);
    assert.match(
      stdout,
      /^Period start: 2026-06-01T00:00:00Z\nPeriod end: 2026-06-30T23:59:59Z\n\nNamespace path +Entity Clients +Non-Entity clients +Secret syncs +ACME clients +Active clients\n-+[ -]+\n\[root\] +2 +1 +0 +0 +3\nTotal +2 +1 +0 +0 +3\n$/,
    );
    const query = new URL(asked[0]!, address).searchParams;
    assert.equal(query.get('start_time'), '2026-06-01T00:00:00Z');
    assert.equal(query.get('end_time'), '2026-06-30T23:59:59Z');
  });
});

test('usage of a young server: nothing yet, which is no failure; a time that is none is one', async () => {
  await answering({ [ACTIVITY]: null }, async (address) => {
    const { exit, stdout, stderr } = await run(['usage'], { VAULT_ADDR: address });
    assert.deepEqual([exit, stdout], [0, '']);
    assert.match(stderr, /^There is no data yet/);
    assert.equal((await run(['usage', '-start-time=soon'], { VAULT_ADDR: address })).exit, 1);
  });
});
