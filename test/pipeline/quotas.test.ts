import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUOTA_CONFIG, RATE_LIMIT, type RateLimit, USUAL_QUOTA_CONFIG } from '../../src/model/quotas.ts';
import { makeClusterCounts, makeQuotas } from '../../src/pipeline/quotas.ts';

const FROM = { remoteAddress: '10.0.0.1' };

/** Quotas of one request each, by name and path. */
function quotas(
  paths: Record<string, string | Partial<RateLimit>>,
  config?: Partial<typeof USUAL_QUOTA_CONFIG>,
) {
  const entries = new Map<string, unknown>();
  if (config) entries.set(QUOTA_CONFIG, { ...USUAL_QUOTA_CONFIG, ...config });
  for (const [name, given] of Object.entries(paths)) {
    const of = typeof given === 'string' ? { path: given } : given;
    const usual = { rate: 1, interval: 1, block_interval: 0, inheritable: false, scope: 'node' };
    entries.set(RATE_LIMIT + name, { ...usual, ...of });
  }
  return makeQuotas({
    catalog: { watch: (_section, listener) => listener(entries) },
    cluster: { send: () => Promise.reject(new Error('nobody can be asked')) },
    counts: makeClusterCounts(),
    now: () => 0,
  });
}

/** Is a second request refused that comes after one for another path? Then one quota holds both. */
function together(given: ReturnType<typeof quotas>, one: [string, string], other: [string, string]): boolean {
  void given.take(FROM, ...one);
  const answer = given.take(FROM, ...other) as { allowed: boolean } | undefined;
  return answer?.allowed === false;
}

test('the quota that says most about a path holds it', () => {
  const paths = { all: '', mount: 'secret/', begin: 'secret/data/a*', one: 'secret/data/a' };
  const holds = (a: string, b: string) => together(quotas(paths), ['', a], ['', b]);
  assert.equal(holds('sys/mounts', 'kv/x'), true);
  assert.equal(holds('secret/data/b', 'secret/x'), true);
  assert.equal(holds('secret/data/b', 'kv/x'), false);
  assert.equal(holds('secret/data/ab', 'secret/data/ac'), true);
  assert.equal(holds('secret/data/ab', 'secret/data/b'), false);
  assert.equal(holds('secret/data/a', 'secret/data/a'), true);
  assert.equal(holds('secret/data/a', 'secret/data/ab'), false);
});

test('a namespace: its own paths, and those below only where that is said; its mounts in any case', () => {
  const holds = (quota: Partial<RateLimit>, namespace: string) =>
    quotas({ q: quota }).take(FROM, namespace, 'secret/a') !== undefined;
  assert.equal(holds({ path: 'ns/' }, 'ns/'), true);
  assert.equal(holds({ path: 'ns/' }, 'ns/below/'), false);
  assert.equal(holds({ path: 'ns/', inheritable: true }, 'ns/below/'), true);
  assert.equal(holds({ path: 'ns/' }, ''), false);
  assert.equal(holds({ path: 'ns/secret/' }, 'ns/'), true);
  assert.equal(holds({ path: '' }, 'ns/'), false);
  assert.equal(holds({ path: '', inheritable: true }, 'ns/'), true);
});

test('clients are counted apart', () => {
  const given = quotas({ all: '' });
  void given.take(FROM, '', 'a/b');
  assert.equal((given.take({ remoteAddress: '10.0.0.2' }, '', 'a/b') as { allowed: boolean }).allowed, true);
});

test('exempt paths are held by none; without quotas nothing is', () => {
  const given = quotas({ all: { path: '', inheritable: true } });
  assert.equal(given.take(FROM, '', 'sys/health'), undefined);
  assert.equal(given.take(FROM, 'ns/', 'sys/unseal'), undefined);
  const own = quotas(
    { all: { path: '', inheritable: true } },
    {
      rate_limit_exempt_paths: ['a/*'],
      absolute_rate_limit_exempt_paths: ['ns/b'],
    },
  );
  assert.equal(own.take(FROM, 'ns/', 'a/x'), undefined);
  assert.equal(own.take(FROM, 'ns/', 'b'), undefined);
  assert.notEqual(own.take(FROM, '', 'b'), undefined);
  assert.notEqual(own.take(FROM, '', 'sys/health'), undefined);
  assert.equal(quotas({}).isOn(), false);
});

test('clients are told where that is switched on, and when to come again in any case', () => {
  const shown = quotas({ all: '' }, { enable_rate_limit_response_headers: true });
  assert.deepEqual(shown.take(FROM, '', 'a'), {
    allowed: true,
    audited: false,
    headers: { 'X-Ratelimit-Limit': '1', 'X-Ratelimit-Remaining': '0', 'X-Ratelimit-Reset': '1' },
  });
  const silent = quotas({ all: '' }, { enable_rate_limit_audit_logging: true });
  void silent.take(FROM, '', 'a');
  assert.deepEqual(silent.take(FROM, '', 'a'), {
    allowed: false,
    audited: true,
    headers: { 'Retry-After': '1' },
  });
});

test('where the one who counts for the cluster cannot be asked, a node counts for itself', async () => {
  const given = quotas({ all: { path: '', scope: 'cluster' } });
  assert.equal((await given.take(FROM, '', 'a'))?.allowed, true);
  assert.equal((await given.take(FROM, '', 'a'))?.allowed, false);
});
