/**
 * How tokens end, through the front door: renewals and their bounds, uses, expiry, and what a restart keeps (contract §3.1).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, type Made, makeToken, succeed } from '../support/asking.ts';
import { type RunningServer, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';
import { until } from '../support/until.ts';

const DENIED = '1 error occurred:\n\t* permission denied\n\n';

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
  const maker = 'path "auth/token/*" { capabilities = ["create", "read", "update"] }';
  await succeed(root, 'PUT', 'sys/policies/acl/maker', { policy: maker });
});
after(() => server.stop());

const as = (token: string): Ask => asking(server.address, token);
const isGood = async (token: string) => (await as(token)('GET', 'auth/token/lookup-self')).status === 200;
const accessorsOf = async (ask: Ask): Promise<string[]> =>
  (await ask('LIST', 'auth/token/accessors')).body.data.keys;
const policies = ['default'];

async function renewed(token: string, increment?: number | string) {
  const { auth, warnings } = (await succeed(root, 'POST', 'auth/token/renew', { token, increment })).body;
  const { data } = (await succeed(root, 'POST', 'auth/token/lookup', { token })).body;
  assert(Math.abs(data.ttl - auth.lease_duration) <= 1, 'what was granted is what is kept');
  assert.equal(data.last_renewal_time, Math.floor(Date.parse(data.last_renewal) / 1_000));
  return { ttl: auth.lease_duration as number, warnings: warnings as string[] | null };
}

async function refused(path: string, body: object): Promise<[number, string]> {
  const reply = await root('POST', path, body);
  return [reply.status, reply.body.errors[0]];
}

test('a renewal grants what was asked for, else what was granted last, never past the longest life', async () => {
  const { token } = await makeToken(root, { policies, ttl: '10m', explicit_max_ttl: '1h' });
  assert.deepEqual(await renewed(token), { ttl: 600, warnings: null });
  assert.deepEqual(await renewed(token, '30m'), { ttl: 1_800, warnings: null });
  assert.equal((await renewed(token)).ttl, 1_800);
  const capped = await renewed(token, '5h');
  assert(capped.ttl > 3_590 && capped.ttl <= 3_600, String(capped.ttl));
  assert.deepEqual(capped.warnings, [
    'TTL of "5h" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly',
  ]);
  const long = await makeToken(root, { policies, ttl: '9000h' });
  const longest = (await renewed(long.token, '9000h')).ttl;
  assert(longest === 2_764_800 || longest === 2_764_799, String(longest));
});

test('a token renews itself under the policy default, and nobody without it', async () => {
  const { token } = await makeToken(root, { policies, ttl: '10m' });
  const own = await succeed(as(token), 'POST', 'auth/token/renew-self', { increment: '20m' });
  assert.deepEqual([own.body.auth.client_token, own.body.auth.lease_duration], [token, 1_200]);
  const bare = await makeToken(root, { policies: ['none'], no_default_policy: true, ttl: '10m' });
  assert.equal((await as(bare.token)('POST', 'auth/token/renew-self', {})).status, 403);
});

test('a period has no end but an explicit one', async () => {
  const periodic = await makeToken(root, { policies, period: '90s', ttl: '1h' });
  assert.equal((await renewed(periodic.token)).ttl, 90);
  assert.equal((await renewed(periodic.token, '2h')).ttl, 90);
  const bounded = await makeToken(root, { policies, period: '90s', explicit_max_ttl: '60s' });
  const { ttl } = await renewed(bounded.token);
  assert(ttl >= 59 && ttl <= 60, String(ttl));
});

test('what is not renewable is not renewed', async () => {
  const fixed = await makeToken(root, { policies, ttl: '1h', renewable: false });
  const endless = await makeToken(root);
  for (const { token, accessor } of [fixed, endless]) {
    assert.deepEqual(await refused('auth/token/renew', { token }), [400, 'lease is not renewable']);
    assert.deepEqual(await refused('auth/token/renew-accessor', { accessor }), [
      400,
      'lease is not renewable',
    ]);
  }
  assert.deepEqual(await refused('auth/token/renew', { token: 'hvs.none' }), [400, 'token not found']);
});

for (const uses of [1, 20]) {
  test(`of 50 requests at once, a token of ${uses} uses serves ${uses}`, async () => {
    const { token, accessor } = await makeToken(root, { policies, num_uses: uses });
    const asks = Array.from({ length: 50 }, () => as(token)('GET', 'auth/token/lookup-self'));
    const statuses = (await Promise.all(asks)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, uses);
    assert.equal(statuses.filter((status) => status === 403).length, 50 - uses);
    await until('its record goes', async () => !(await accessorsOf(root)).includes(accessor));
  });
}

test('denied requests take uses, questions of others do not', async () => {
  const { token, accessor } = await makeToken(root, { policies, num_uses: 3 });
  const left = async () => (await succeed(root, 'POST', 'auth/token/lookup', { token })).body.data.num_uses;
  await succeed(root, 'POST', 'auth/token/lookup-accessor', { accessor });
  await succeed(root, 'POST', 'sys/capabilities', { token, paths: ['secret/a'] });
  assert.equal(await left(), 3);
  assert.equal((await as(token)('GET', 'secret/data/a')).body.errors[0], DENIED);
  assert.equal(await left(), 2);
  assert.equal((await as(token)('GET', 'no/such/mount')).status, 403);
  const last = await as(token)('GET', 'auth/token/lookup-self');
  assert.deepEqual([last.status, last.body.data.num_uses], [200, -1]);
  assert.equal(await isGood(token), false);
  assert.deepEqual(await refused('auth/token/lookup', { token }), [403, 'bad token']);
});

test('a token of limited uses makes no others', async () => {
  const { token } = await makeToken(root, { policies: ['maker'], num_uses: 5 });
  const reply = await as(token)('POST', 'auth/token/create', {});
  assert.deepEqual(
    [reply.status, reply.body.errors],
    [400, ['restricted use token cannot generate child tokens']],
  );
  assert.deepEqual(await refused('auth/token/create', { num_uses: -1 }), [
    400,
    'number of uses cannot be negative',
  ]);
});

test('tokens of two seconds end by themselves, with children, cubbyhole and record', async () => {
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      makeToken(root, { id: `short-${at}`, policies: ['maker'], ttl: '3s', renewable: at % 2 === 0 }),
    ),
  );
  const since = performance.now();
  const child = await makeToken(as('short-0'), { policies: ['maker'], ttl: '1h' });
  const grandchild = await makeToken(as(child.token), { policies: ['maker'], ttl: '1h' });
  await succeed(as('short-1'), 'POST', 'cubbyhole/a', { kept: 'secret' });
  await succeed(root, 'POST', 'auth/token/renew', { token: 'short-2', increment: '1h' });
  const all = [...made, child, grandchild];
  assert.deepEqual(
    await Promise.all(all.map(({ token }) => isGood(token))),
    all.map(() => true),
  );
  await until('they are refused', async () => !(await isGood('short-0')), 10_000);
  assert(performance.now() - since >= 2_500, 'not long before their time');
  await until('all of them', async () => !(await isGood('short-19')));
  for (const { token } of [child, grandchild]) assert.equal(await isGood(token), false, 'children with them');
  assert(await isGood('short-2'), 'but what was renewed lives');
  const ended = new Set(all.map(({ accessor }) => accessor));
  ended.delete(made[2]!.accessor);
  await until('their records go', async () => !(await accessorsOf(root)).some((one) => ended.has(one)));
  assert.equal((await makeToken(root, { id: 'short-1', policies })).accessor, made[1]!.accessor);
  assert.equal((await as('short-1')('GET', 'cubbyhole/a')).status, 404);
});

test('a restart keeps tokens as they are; a killed server forgets no revocation', {
  timeout: 60_000,
}, async () => {
  const folder = testFolder('tokens');
  let kept: RunningServer | undefined;
  const again = async (signal?: NodeJS.Signals) => {
    await kept?.stop(signal);
    kept = await startDev({ args: [`-dev-data=${folder}`] });
    return asking(kept.address);
  };
  const asKept = (token: string): Ask => asking(kept!.address, token);
  const statusOf = async (token: string) => (await asKept(token)('GET', 'auth/token/lookup-self')).status;
  try {
    let ask = await again();
    const family: Made[] = [await makeToken(ask)];
    for (let at = 0; at < 3; at++) family.push(await makeToken(asKept(family[at]!.token)));
    const used = await makeToken(ask, { policies, num_uses: 3 });
    await succeed(asKept(used.token), 'GET', 'auth/token/lookup-self');
    const short = await makeToken(ask, { policies, ttl: '1s' });
    const long = await makeToken(ask, { policies, ttl: '1h', meta: { team: 'a' } });
    await succeed(asKept(long.token), 'POST', 'cubbyhole/a', { kept: 'yes' });
    const before = (await succeed(ask, 'POST', 'auth/token/lookup', { token: long.token })).body.data;

    ask = await again();
    const { data } = (await succeed(ask, 'POST', 'auth/token/lookup', { token: long.token })).body;
    assert.deepEqual({ ...data, ttl: 0 }, { ...before, ttl: 0 });
    assert.deepEqual((await asKept(long.token)('GET', 'cubbyhole/a')).body.data, { kept: 'yes' });
    const statuses: number[] = [];
    for (let use = 0; use < 3; use++) statuses.push(await statusOf(used.token));
    assert.deepEqual(statuses, [200, 200, 403], 'one use was taken before');
    await until('what expired meanwhile goes', async () => {
      return !(await accessorsOf(ask)).includes(short.accessor) && (await statusOf(short.token)) === 403;
    });

    assert.equal(await statusOf(family[3]!.token), 200);
    await succeed(ask, 'POST', 'auth/token/revoke', { token: family[1]!.token });
    ask = await again('SIGKILL');
    assert.deepEqual(await Promise.all(family.map(({ token }) => statusOf(token))), [200, 403, 403, 403]);
    const dead = new Set(family.slice(1).map(({ accessor }) => accessor));
    await until('the sweep goes on', async () => !(await accessorsOf(ask)).some((one) => dead.has(one)));
    assert.equal(await statusOf(long.token), 200);
  } finally {
    await kept?.stop('SIGKILL');
  }
});
