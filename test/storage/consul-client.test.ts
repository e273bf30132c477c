import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { makeConsulClient } from '../../src/storage/consul-client.ts';
import { systemClock as clock } from '../../src/system-clock.ts';
import { freePort } from '../support/free-port.ts';
import { listening } from './calls-contract.ts';

/** A client of a server that gives these answers in turn, the last one for ever. */
async function started(t: TestContext, ...answers: [status: number, text: string][]) {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    const [status, text] = answers[Math.min(seen.length, answers.length) - 1]!;
    response.statusCode = status;
    response.end(text);
  });
  const port = await freePort();
  await listening(server, port);
  const client = makeConsulClient({ endpoints: [`http://127.0.0.1:${port}`], clock, token: 'acl token' });
  t.after(() => {
    client.close();
    server.close();
  });
  return { client, seen };
}
const SET = [{ Verb: 'set', Key: 'a', Value: '' }] as const;

test('the ACL token goes with each call, and all of them ask for consistent reads', async (t) => {
  const { client, seen } = await started(t, [404, '']);
  assert.equal(await client.get('a/b'), undefined);
  assert.deepEqual(await client.keys('a/'), []);
  assert.deepEqual(await client.pairs('a/'), []);
  await assert.rejects(client.txn(SET), { kind: 'refused' });
  assert.deepEqual(
    seen.map(({ url }) => url),
    [
      '/v1/kv/a/b?consistent',
      '/v1/kv/a/?keys&consistent',
      '/v1/kv/a/?recurse&consistent',
      '/v1/txn?consistent',
    ],
  );
  for (const { headers } of seen) assert.equal(headers['x-consul-token'], 'acl token');
});

test('without a leader nothing was proposed; another fault inside leaves it open; a refusal is one', async (t) => {
  const { client, seen } = await started(
    t,
    [500, 'No cluster leader'],
    [500, 'leadership lost'],
    [403, 'Permission denied'],
  );
  // The first is tried again, at this endpoint since there is no other.
  await assert.rejects(client.txn(SET), { name: 'CallFailed', kind: 'unknown', status: 500 });
  assert.equal(seen.length, 2);
  await assert.rejects(client.txn(SET), { name: 'CallFailed', kind: 'refused', passing: false, status: 403 });
});

test('an answer that is no JSON is told, not thrown as our own fault', async (t) => {
  const { client } = await started(t, [200, '<html>']);
  await assert.rejects(client.txn(SET), { name: 'CallFailed', kind: 'unknown' });
  await assert.rejects(client.get('a'), { name: 'CallFailed' });
});
