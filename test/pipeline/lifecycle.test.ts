/**
 * Sealing and unsealing under load: nothing acknowledged is lost, nothing is written by a sealed server, and all is served again.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SWEEP_NOTED_MS } from '../../src/model/limits.ts';
import { type InnerCoffer, startInnerCoffer } from '../support/inner-coffer.ts';
import { until } from '../support/until.ts';

let coffer: InnerCoffer;
before(async () => {
  coffer = await startInnerCoffer();
});
after(() => coffer.coffer.stop());

test('sealed and unsealed again and again while everything is asked for', async () => {
  const { lifecycle, seal } = coffer.coffer;
  const written = new Map<string, number>();
  const tokens: string[] = [];
  const statuses = new Map<number, number>();
  let ending = false;
  const client = async (client: number) => {
    for (let n = 1; !ending; n++) {
      const name = `load/${client}`;
      const write = await coffer.ask('POST', `kv/${name}`, { n });
      if (write.status === 204) written.set(name, n);
      const made = await coffer.ask('POST', 'auth/token/create', { ttl: '1h' });
      if (made.status === 200) tokens.push(made.body.auth.client_token);
      const put = await coffer.ask('PUT', `sys/policies/acl/p${client}`, { policy: `# ${n}` });
      for (const { status } of [write, made, put]) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: 6 }, (_, n) => client(n));
  for (let round = 0; round < 6; round++) {
    const enough = tokens.length + 8;
    await until('tokens are made', () => tokens.length >= enough);
    await lifecycle.seal();
    const { commits } = coffer;
    assert.throws(() => seal.barrier.derive('anything'), { code: 'sealed' });
    assert.throws(() => seal.barrier.sealName('a', 'b'), { code: 'sealed' });
    assert.equal((await coffer.ask('GET', 'kv/load/0')).status, 503);
    for (let n = 0; n < 5; n++) await coffer.ask('POST', 'kv/sealed', { n });
    assert.equal(coffer.commits, commits, 'written while sealed');
    await lifecycle.unseal(coffer.key);
  }
  ending = true;
  await Promise.all(clients);
  assert.deepEqual([...statuses.keys()].toSorted(), [200, 204, 503]);
  for (const [name, n] of written) {
    const { body } = await coffer.ask('GET', `kv/${name}`);
    assert(body.data.n >= n, `${name}: ${n} was acknowledged, ${body.data.n} is there`);
  }
  for (const token of tokens)
    assert.equal((await coffer.ask('GET', 'auth/token/lookup-self', undefined, token)).status, 200);
});

test('a mount whose sweep was broken off by a seal is swept after the next unseal', async () => {
  await coffer.ask('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
  for (let n = 0; n < 150; n++) await coffer.ask('POST', `old/${n}`, { n });
  let pages = 0;
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  coffer.beforeCommit = async (paths) => {
    if (paths.length > 50 && ++pages === 2) await held;
  };
  assert.equal((await coffer.ask('DELETE', 'sys/mounts/old')).status, 204);
  await until('the second page', () => pages === 2);
  const sealing = coffer.coffer.lifecycle.seal();
  release();
  await sealing;
  coffer.beforeCommit = undefined;
  await coffer.coffer.lifecycle.unseal(coffer.key);
  const isSweeping = () =>
    [...coffer.coffer.catalog.entries('mounts').keys()].some((key) => key.startsWith('sweep/'));
  await until('the sweep is over', () => !isSweeping());
});

test('what is disabled is shown while it is removed, how far and since when, and after a seal goes on from there', async () => {
  await coffer.ask('POST', 'sys/mounts/large', { type: 'kv', options: { version: '1' } });
  for (let n = 0; n < 300; n++) await coffer.ask('POST', `large/${n}`, { n });
  let pages = 0;
  let release = (): void => {};
  const held = () =>
    new Promise<void>((resolve) => {
      release = resolve;
    });
  // The second page waits for longer than progress is noted once; then the next one stays where it is.
  coffer.beforeCommit = async (paths) => {
    if (paths.length <= 50) return;
    pages++;
    if (pages === 2) await new Promise((resolve) => setTimeout(resolve, SWEEP_NOTED_MS + 50));
    if (pages === 3) await held();
  };
  assert.equal((await coffer.ask('DELETE', 'sys/mounts/large')).status, 204);
  const rows = async () => Object.values((await coffer.ask('GET', 'sys/removals')).body.data) as Row[];
  await until('the third page', () => pages === 3);
  const [row] = await rows();
  assert(row);
  const { start_time, running_seconds, removed, ...rest } = row;
  assert.deepEqual(rest, { kind: 'mount', mount_type: 'kv', path: 'large/' });
  assert(Date.now() - Date.parse(start_time) < 60_000);
  assert(running_seconds >= SWEEP_NOTED_MS / 1_000);
  assert(removed > 50, String(removed));
  const sealing = coffer.coffer.lifecycle.seal();
  release();
  await sealing;
  pages = 10;
  coffer.beforeCommit = async (paths) => {
    if (paths.length > 50 && ++pages === 11) await held();
  };
  await coffer.coffer.lifecycle.unseal(coffer.key);
  await until('it goes on', () => pages === 11);
  assert((await rows())[0]!.removed >= removed);
  assert.equal((await rows())[0]!.start_time, start_time);
  release();
  coffer.beforeCommit = undefined;
  await until('all is removed', async () => (await rows()).length === 0);
});

interface Row {
  readonly start_time: string;
  readonly running_seconds: number;
  readonly removed: number;
}

test('seals and unseals at once come to one end, and all is served', async () => {
  const { lifecycle } = coffer.coffer;
  await Promise.all([
    lifecycle.seal(),
    lifecycle.unseal(coffer.key),
    lifecycle.seal(),
    lifecycle.seal(),
    lifecycle.unseal(coffer.key),
    lifecycle.unseal(coffer.key),
  ]);
  assert.equal(lifecycle.isSealed(), false);
  assert.equal((await coffer.ask('GET', 'auth/token/lookup-self')).status, 200);
});
