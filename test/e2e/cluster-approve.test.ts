/**
 * `cluster { approve = true }`: who holds the secret still waits for an operator.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startNodes, type TestNodes } from '../support/nodes.ts';
import { until } from '../support/until.ts';

let cluster: TestNodes | undefined;
after(async () => cluster?.remove());

test('a node that was not approved is neither unsealed nor a member; once approved it is both', async () => {
  const started = await startNodes({ store: 'embedded', count: 2, clusterConfig: 'approve = true' });
  assert(!('missing' in started));
  cluster = started;
  const [n1, n2] = started.nodes;
  const made = await n1!.call('PUT', 'sys/init', { body: { secret_shares: 1, secret_threshold: 1 } });
  assert.equal(made.status, 200, made.text);
  const token = made.body.root_token;
  await n1!.call('PUT', 'sys/unseal', { body: { key: made.body.keys_base64[0] } });
  await n1!.untilActive();

  // Whichever of the two came first was approved with the record; the other one waits.
  const identities = async () => (await n1!.call('GET', 'sys/cluster/identities', { token })).body.data;
  await until('somebody waits', async () => (await identities()).applicants.length === 1);
  const { approval_needed, approved, applicants } = await identities();
  assert.equal(approval_needed, true);
  assert.equal(approved.length, 1);
  assert.notEqual(approved[0].peer_id, applicants[0].peer_id);
  assert.equal((await n2!.call('GET', 'sys/seal-status')).body.sealed, true);
  const refused = await n1!.call('POST', 'sys/cluster/approve', { token, body: { peer_id: 'n2' } });
  assert.equal(refused.status, 400, refused.text);

  const { peer_id } = applicants[0];
  const done = await n1!.call('POST', 'sys/cluster/approve', { token, body: { peer_id } });
  assert.equal(done.status, 204, done.text);
  await n2!.untilActive();
  assert.deepEqual((await identities()).applicants, []);
  const status = await n2!.call('GET', 'sys/cluster/status', { token });
  assert.equal(status.body.data.nodes.length, 2);
});
