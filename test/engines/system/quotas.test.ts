import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, succeed } from '../../support/asking.ts';
import { startReadyDev } from '../../support/dev-ready.ts';
import type { RunningServer } from '../../support/server.ts';

let server: RunningServer;
let ask: Ask;
before(async () => {
  server = await startReadyDev();
  ask = asking(server.address);
});
after(() => server.stop());

test('made, shown, listed, changed in part, removed', async () => {
  const path = 'sys/quotas/rate-limit/q';
  assert.equal((await ask('GET', path)).status, 404);
  assert.equal((await ask('LIST', 'sys/quotas/rate-limit')).status, 404);
  await succeed(ask, 'POST', path, { path: 'secret/', rate: 1000.5, interval: '2s' });
  const shown = (await succeed(ask, 'GET', path)).body.data;
  assert.deepEqual(shown, {
    name: 'q',
    type: 'rate-limit',
    path: 'secret/',
    role: '',
    rate: 1000.5,
    interval: 2,
    block_interval: 0,
    inheritable: false,
    scope: 'node',
  });
  await succeed(ask, 'POST', path, { block_interval: 60, scope: 'cluster' });
  const changed = (await succeed(ask, 'GET', path)).body.data;
  assert.deepEqual(changed, { ...shown, block_interval: 60, scope: 'cluster' });
  assert.deepEqual((await ask('LIST', 'sys/quotas/rate-limit')).body.data, { keys: ['q'] });
  await succeed(ask, 'DELETE', path);
  await succeed(ask, 'DELETE', path);
  assert.equal((await ask('GET', path)).status, 404);
});

for (const [body, wanted] of [
  [{}, "'rate' is invalid"],
  [{ rate: 0 }, "'rate' is invalid"],
  [{ rate: -1 }, "'rate' is invalid"],
  [{ rate: 1, interval: '48h' }, "'interval' is invalid"],
  [{ rate: 1, scope: 'galaxy' }, 'scope: expected'],
  [{ rate: 1, role: 'r' }, 'not supported'],
  [{ rate: 1, path: 'nowhere/' }, 'invalid mount'],
  [{ rate: 1, path: 'sec*ret/' }, "expected no '*'"],
] as const) {
  test(`refused: ${JSON.stringify(body)}`, async () => {
    const { status, body: reply } = await ask('POST', 'sys/quotas/rate-limit/refused', body);
    assert.equal(status, 400);
    assert(reply.errors[0].includes(wanted), reply.errors[0]);
    assert.equal((await ask('GET', 'sys/quotas/rate-limit/refused')).status, 404);
  });
}

test('two of one path would be one too many', async () => {
  await succeed(ask, 'POST', 'sys/quotas/rate-limit/one', { rate: 1e6, path: 'cubbyhole/' });
  const { status } = await ask('POST', 'sys/quotas/rate-limit/two', { rate: 1e6, path: 'cubbyhole/' });
  assert.equal(status, 400);
  await succeed(ask, 'DELETE', 'sys/quotas/rate-limit/one');
});

for (const scope of ['node', 'cluster']) {
  test(`counted by ${scope}: the next one is refused, before anything looks at its token`, async () => {
    await succeed(ask, 'POST', 'sys/quotas/config', { enable_rate_limit_response_headers: true });
    const quota = { path: 'secret/', rate: 3, interval: '1h', scope };
    await succeed(ask, 'POST', 'sys/quotas/rate-limit/few', quota);
    const replies = [];
    for (let n = 0; n < 4; n++) replies.push(await ask('GET', 'secret/data/none'));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [404, 404, 404, 429],
    );
    assert.deepEqual(
      replies.map(({ headers }) => headers['x-ratelimit-remaining']),
      ['2', '1', '0', '0'],
    );
    const { headers, body } = replies[3]!;
    assert.deepEqual(body, { errors: ['request path "secret/data/none": rate limit quota exceeded'] });
    assert.equal(headers['x-ratelimit-limit'], '3');
    assert(Number(headers['retry-after']) > 3_590);
    const stranger = asking(server.address, 'hvs.nobody');
    assert.equal((await stranger('GET', 'secret/data/none')).status, 429);
    assert.equal((await ask('GET', 'sys/mounts')).status, 200);
    await succeed(ask, 'DELETE', 'sys/quotas/rate-limit/few');
    assert.equal((await ask('GET', 'secret/data/none')).status, 404);
  });
}

test('the configuration keeps what is not named, and begins with what must never be locked out', async () => {
  const first = (await succeed(ask, 'GET', 'sys/quotas/config')).body.data;
  assert(first.rate_limit_exempt_paths.includes('sys/unseal'));
  await succeed(ask, 'POST', 'sys/quotas/config', { rate_limit_exempt_paths: 'a,b' });
  assert.deepEqual((await succeed(ask, 'GET', 'sys/quotas/config')).body.data, {
    ...first,
    rate_limit_exempt_paths: ['a', 'b'],
  });
});
