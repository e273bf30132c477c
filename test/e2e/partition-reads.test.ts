/**
 * `partition_reads`: nodes whose coordinator does not answer any more, with it and without (protocol §16).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REPLICA_READS_WORTH } from '../../src/model/limits.ts';
import { missing } from '../support/missing.ts';
import { startNodes, type TestNode } from '../support/nodes.ts';
import { until } from '../support/until.ts';

test('cut off from the coordinator: reads of what is held where allowed, 503 where not, and all well afterwards', async (t) => {
  const started = await startNodes({
    count: 2,
    store: 'etcd',
    clusterConfig: (n) => (n === 1 ? 'partition_reads = "allow"' : ''),
  });
  if ('missing' in started) return t.skip(missing(started.missing));
  t.after(() => started.remove());
  await started.open();
  const [allows, denies] = started.nodes as [TestNode, TestNode];
  const token = started.rootToken;
  const mounted = await allows.call('POST', 'sys/mounts/secret', {
    token,
    body: { type: 'kv', options: { version: '2' } },
  });
  assert.equal(mounted.status, 204, mounted.text);
  const path = 'secret/data/held';
  const write = (node: TestNode, n: number) => node.call('POST', path, { token, body: { data: { n } } });
  assert.equal((await write(allows, 1)).status, 200);
  const audit = await allows.call('POST', 'sys/audit/file', {
    token,
    body: { type: 'file', options: { file_path: `${started.folder}/audit.log` } },
  });
  assert.equal(audit.status, 204, audit.text);
  // So often that there is a replica wherever it does not lie itself.
  for (let n = 0; n < 3 * REPLICA_READS_WORTH; n++) {
    const read = await allows.call('GET', path, { token });
    assert.equal(read.headers['x-coffer-stale'], undefined);
  }
  const [etcd] = started.stores;
  process.kill(etcd!.pid(), 'SIGSTOP');
  try {
    await until('the node answers from what it holds', async () => {
      const read = await allows.call('GET', path, { token });
      if (read.headers['x-coffer-stale'] === undefined) return false;
      assert.equal(read.status, 200, read.text);
      assert.equal(read.body.data.data.n, 1);
      assert.match(read.body.warnings.join(), /^may be stale by \d+ s$/);
      return true;
    });
    const written = await write(allows, 2);
    assert.equal(written.status, 503, written.text);
    assert(written.headers['retry-after'] !== undefined);
    const made = await allows.call('POST', 'auth/token/create', { token, body: {} });
    assert.equal(made.status, 503, made.text);
    const absent = await allows.call('GET', 'secret/data/never-read', { token });
    assert.equal(absent.status, 503, absent.text);
    const denied = await denies.call('GET', path, { token });
    assert.equal(denied.status, 503, denied.text);
    assert(denied.headers['retry-after'] !== undefined);
  } finally {
    process.kill(etcd!.pid(), 'SIGCONT');
  }
  await until('all is well again', async () => (await write(denies, 3)).status === 200);
  for (const node of [allows, denies]) {
    await node.untilActive();
    const read = await node.call('GET', path, { token });
    assert.equal(read.headers['x-coffer-stale'], undefined);
    assert(read.body.data.data.n === 3, read.text);
  }
});
