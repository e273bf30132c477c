/**
 * After a revocation, a tightened policy or a disabled mount was answered, no operation starts under what was before: many requests at once
 * are on their way while it happens.
 *
 * A version of a secret says when its write ran, by the server's clock, which is this machine's.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Ask, asking, makeToken, succeed } from '../support/asking.ts';
import { type RunningServer, startDev } from '../support/server.ts';

const WRITERS = 160;
/** Writes that are answered before the authority goes: by then all writers are under way. */
const WRITES_BEFORE = 400;

let server: RunningServer;
let root: Ask;
before(async () => {
  server = await startDev();
  root = asking(server.address);
});
after(() => server.stop());

const WRITE = 'path "+/data/hot" { capabilities = ["create", "update", "read"] }';
const READ = 'path "+/data/hot" { capabilities = ["read"] }';
const setPolicy = (policy: string) => succeed(root, 'PUT', 'sys/policies/acl/hammer', { policy });

interface Outcome {
  readonly sentAtMs: number;
  readonly status: number;
  /** When the write ran, as its answer says. */
  readonly ranAtMs: number | undefined;
}

/**
 * Writes `mount`/data/hot over and over until one was sent after the authority was gone; `end` takes it away meanwhile.
 * @returns what each request got, and when `end` had been answered.
 */
async function hammer(mount: string, ask: Ask, end: () => Promise<unknown>) {
  const outcomes: Outcome[] = [];
  let endedAtMs = Number.POSITIVE_INFINITY;
  let ending: Promise<unknown> | undefined;
  const worker = async () => {
    for (;;) {
      const sentAtMs = Date.now();
      const { status, body } = await ask('POST', `${mount}/data/hot`, { data: { a: 'b' } });
      const ranAtMs = status === 200 ? Date.parse(body.data.created_time) : undefined;
      outcomes.push({ sentAtMs, status, ranAtMs });
      if (sentAtMs > endedAtMs) return;
      if (outcomes.length >= WRITES_BEFORE) {
        ending ??= end().then(() => {
          endedAtMs = Date.now();
        });
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, worker));
  await ending;
  return { outcomes, endedAtMs };
}

/** @returns how many writes ran. */
function checkRefused({ outcomes, endedAtMs }: Awaited<ReturnType<typeof hammer>>, refusal: number): number {
  const last = Math.max(...outcomes.map(({ ranAtMs }) => ranAtMs ?? 0));
  assert(last <= endedAtMs, `the last write ran ${last - endedAtMs} ms too late`);
  const written = outcomes.filter(({ status }) => status === 200).length;
  assert(written >= WRITES_BEFORE, 'they did write');
  for (const { sentAtMs, status } of outcomes) {
    if (sentAtMs > endedAtMs) assert.equal(status, refusal, 'sent after the end');
    else assert([200, refusal].includes(status), `answered ${status}`);
  }
  return written;
}

/** What was acknowledged is there, and nothing else. */
async function checkVersions(mount: string, written: number): Promise<void> {
  const { data } = (await succeed(root, 'GET', `${mount}/metadata/hot`)).body;
  assert.equal(data.current_version, written);
  assert.equal(Object.keys(data.versions).length, written);
}

async function prepare(mount: string): Promise<Ask> {
  await succeed(root, 'POST', `sys/mounts/${mount}`, { type: 'kv-v2' });
  await succeed(root, 'POST', `${mount}/metadata/hot`, { max_versions: 20_000 });
  await setPolicy(WRITE);
  const { token } = await makeToken(root, { policies: ['hammer'] });
  return asking(server.address, token);
}

test('no write starts under a token after its revocation was answered', async () => {
  for (let round = 0; round < 3; round++) {
    const mount = `revoked-${round}`;
    const ask = await prepare(mount);
    const { accessor } = (await succeed(ask, 'GET', 'auth/token/lookup-self')).body.data;
    const done = await hammer(mount, ask, () =>
      succeed(root, 'POST', 'auth/token/revoke-accessor', { accessor }),
    );
    await checkVersions(mount, checkRefused(done, 403));
  }
});

test('no write starts under a token after the revocation of its parent’s parent was answered', async () => {
  const ask = await prepare('family');
  const policies = ['hammer', 'maker'];
  await succeed(root, 'PUT', 'sys/policies/acl/maker', {
    policy: 'path "auth/token/create" { capabilities = ["update"] }',
  });
  assert((await ask('GET', 'auth/token/lookup-self')).status === 200);
  const oldest = await makeToken(root, { policies });
  const parent = await makeToken(asking(server.address, oldest.token), { policies });
  const child = await makeToken(asking(server.address, parent.token), { policies });
  const end = () => succeed(root, 'POST', 'auth/token/revoke', { token: oldest.token });
  const done = await hammer('family', asking(server.address, child.token), end);
  await checkVersions('family', checkRefused(done, 403));
});

test('no write starts under a policy after a tighter one was answered', async () => {
  for (let round = 0; round < 3; round++) {
    const mount = `tightened-${round}`;
    const ask = await prepare(mount);
    const done = await hammer(mount, ask, () => setPolicy(READ));
    await checkVersions(mount, checkRefused(done, 403));
    assert.equal((await ask('GET', `${mount}/data/hot`)).status, 200, 'what it still allows goes on');
  }
});

test('nor under a policy that was deleted', async () => {
  const ask = await prepare('deleted');
  const done = await hammer('deleted', ask, () => succeed(root, 'DELETE', 'sys/policies/acl/hammer'));
  await checkVersions('deleted', checkRefused(done, 403));
});

test('no write starts in a mount after it was disabled, and one made anew there is empty', async () => {
  await prepare('gone');
  const done = await hammer('gone', root, () => succeed(root, 'DELETE', 'sys/mounts/gone'));
  checkRefused(done, 404);
  await succeed(root, 'POST', 'sys/mounts/gone', { type: 'kv-v2' });
  assert.equal((await root('LIST', 'gone/metadata')).status, 404);
  assert.equal((await root('GET', 'gone/data/hot')).status, 404);
});

test('other changes of the catalog meanwhile refuse nobody', async () => {
  const ask = await prepare('calm');
  let changes = 0;
  const changing = async () => {
    while (changes < 40) await succeed(root, 'PUT', 'sys/policies/acl/other', { policy: `# ${changes++}` });
  };
  const statuses = new Set<number>();
  const writing = async () => {
    while (changes < 40) statuses.add((await ask('POST', 'calm/data/hot', { data: { a: 'b' } })).status);
  };
  await Promise.all([changing(), changing(), ...Array.from({ length: 100 }, writing)]);
  assert.deepEqual([...statuses], [200]);
});

test('policies written at once by the hundred are all written', async () => {
  const writes = Array.from({ length: 1_000 }, (_, at) =>
    root('PUT', `sys/policies/acl/many-${at}`, { policy: 'path "a" { capabilities = ["read"] }' }),
  );
  const statuses = (await Promise.all(writes)).map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)], [204]);
});

test('of those who tune a mount at once, none undoes what another did', async () => {
  await succeed(root, 'POST', 'sys/mounts/tuned', { type: 'kv-v2' });
  const names = Array.from({ length: 16 }, (_, at) => `option-${at}`);
  const tunes = names.map((name) => root('POST', 'sys/mounts/tuned/tune', { options: { [name]: 'set' } }));
  assert.deepEqual([...new Set((await Promise.all(tunes)).map(({ status }) => status))], [204]);
  const { options } = (await succeed(root, 'GET', 'sys/mounts/tuned')).body.data;
  assert.deepEqual(Object.keys(options).sort(), [...names, 'version'].sort());
});
