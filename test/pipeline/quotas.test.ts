import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Anchored,
  QUOTA_CONFIG,
  RATE_LIMIT,
  type RateLimit,
  USUAL_QUOTA_CONFIG,
} from '../../src/model/quotas.ts';
import { makeClusterCounts, makeQuotas } from '../../src/pipeline/quotas.ts';

const FROM = { remoteAddress: '10.0.0.1' };
const at = (namespacePath: string, path: string) => ({ namespacePath, path });

/** Quotas of one request each, by name and path. */
function quotas(
  paths: Record<string, string | Partial<RateLimit>>,
  config?: Partial<typeof USUAL_QUOTA_CONFIG>,
) {
  const entries = new Map<string, unknown>();
  if (config) entries.set(QUOTA_CONFIG, { ...USUAL_QUOTA_CONFIG, ...config });
  for (const [name, given] of Object.entries(paths)) {
    const of = typeof given === 'string' ? { path: given } : given;
    const usual = { rate: 1, interval: 1, block_interval: 0, role: '', inheritable: false, scope: 'node' };
    entries.set(RATE_LIMIT + name, { ...usual, ...of });
  }
  return makeQuotas({
    catalog: {
      watch: (section, listener) => listener(section === 'settings' ? entries : new Map()),
      entries: () => entries,
    },
    places: { mounts: { byUuid: () => undefined }, namespaces: { byId: () => undefined } },
    cluster: { send: () => Promise.reject(new Error('nobody can be asked')) },
    counts: makeClusterCounts(),
    now: () => 0,
  });
}

/** Is a second request refused that comes after one for another path? Then one quota holds both. */
function together(given: ReturnType<typeof quotas>, one: [string, string], other: [string, string]): boolean {
  void given.take(FROM, at(...one));
  const answer = given.take(FROM, at(...other)) as { allowed: boolean } | undefined;
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
    quotas({ q: quota }).take(FROM, at(namespace, 'secret/a')) !== undefined;
  assert.equal(holds({ path: 'ns/' }, 'ns/'), true);
  assert.equal(holds({ path: 'ns/' }, 'ns/below/'), false);
  assert.equal(holds({ path: 'ns/', inheritable: true }, 'ns/below/'), true);
  assert.equal(holds({ path: 'ns/' }, ''), false);
  assert.equal(holds({ path: 'ns/secret/' }, 'ns/'), true);
  assert.equal(holds({ path: '' }, 'ns/'), false);
  assert.equal(holds({ path: '', inheritable: true }, 'ns/'), true);
});

test('a role of an auth method is held before its paths are; who asks as another, or not to be let in, is not', async () => {
  const given = quotas({
    role: { path: 'auth/approle/', role: 'web', rate: 2 },
    login: 'auth/approle/login',
  });
  const login = at('', 'auth/approle/login');
  const as = async (role: string | undefined) => (await given.take(FROM, login, async () => role))?.allowed;
  assert.deepEqual([await as('web'), await as('web'), await as('web')], [true, true, false]);
  assert.deepEqual([await as('batch'), await as(undefined)], [true, false]);
  const elsewhere = at('', 'auth/other/login');
  const never = () => assert.fail('asked for a role that makes no difference');
  assert.equal(given.take(FROM, elsewhere, never), undefined);
});

test('clients are counted apart', () => {
  const given = quotas({ all: '' });
  void given.take(FROM, at('', 'a/b'));
  assert.equal(
    (given.take({ remoteAddress: '10.0.0.2' }, at('', 'a/b')) as { allowed: boolean }).allowed,
    true,
  );
});

test('exempt paths are held by none; without quotas nothing is', () => {
  const given = quotas({ all: { path: '', inheritable: true } });
  assert.equal(given.take(FROM, at('', 'sys/health')), undefined);
  assert.equal(given.take(FROM, at('ns/', 'sys/unseal')), undefined);
  const own = quotas(
    { all: { path: '', inheritable: true } },
    {
      rate_limit_exempt_paths: ['a/*'],
      absolute_rate_limit_exempt_paths: ['ns/b'],
    },
  );
  assert.equal(own.take(FROM, at('ns/', 'a/x')), undefined);
  assert.equal(own.take(FROM, at('ns/', 'b')), undefined);
  assert.notEqual(own.take(FROM, at('', 'b')), undefined);
  assert.notEqual(own.take(FROM, at('', 'sys/health')), undefined);
  assert.equal(quotas({}).isOn(), false);
});

test('clients are told where that is switched on, and when to come again in any case', () => {
  const shown = quotas({ all: '' }, { enable_rate_limit_response_headers: true });
  assert.deepEqual(shown.take(FROM, at('', 'a')), {
    allowed: true,
    audited: false,
    headers: { 'X-Ratelimit-Limit': '1', 'X-Ratelimit-Remaining': '0', 'X-Ratelimit-Reset': '1' },
  });
  const silent = quotas({ all: '' }, { enable_rate_limit_audit_logging: true });
  void silent.take(FROM, at('', 'a'));
  assert.deepEqual(silent.take(FROM, at('', 'a')), {
    allowed: false,
    audited: true,
    headers: { 'Retry-After': '1' },
  });
});

test('deleted and made anew while this node heard of neither, it counts anew; what was only heard again does not', () => {
  const all = { path: '', rate: 1, interval: 60, block_interval: 0, role: '', inheritable: false };
  const quota = (made: string | undefined): Anchored<RateLimit> => ({ ...all, scope: 'node', made });
  let heard: (entries: ReadonlyMap<string, unknown>) => void = () => {};
  let entries = new Map<string, unknown>();
  const tell = (made: string | undefined) => {
    entries = new Map<string, unknown>([[`${RATE_LIMIT}q`, quota(made)]]);
    heard(entries);
  };
  const given = makeQuotas({
    catalog: {
      watch: (section, listener) => {
        if (section === 'settings') heard = listener;
      },
      entries: () => entries,
    },
    places: { mounts: { byUuid: () => undefined }, namespaces: { byId: () => undefined } },
    cluster: { send: () => Promise.reject(new Error('nobody is to be asked')) },
    counts: makeClusterCounts(),
    now: () => 0,
  });
  const asked = () => (given.take(FROM, at('', 'a')) as { allowed: boolean }).allowed;
  // First as it rests in a store of before.
  for (const made of [undefined, 'one', 'two']) {
    tell(made);
    assert.deepEqual([asked(), asked()], [true, false], String(made));
    tell(made);
    assert.equal(asked(), false, String(made));
  }
});

test('where the one who counts for the cluster cannot be asked, a node counts for itself', async () => {
  const given = quotas({ all: { path: '', scope: 'cluster' } });
  assert.equal((await given.take(FROM, at('', 'a')))?.allowed, true);
  assert.equal((await given.take(FROM, at('', 'a')))?.allowed, false);
});
