import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeEmbeddedCoordinator } from '../../../src/cluster/coordinators/embedded.ts';
import { EMBEDDED_OPEN_MS } from '../../../src/model/limits.ts';
import { systemClock as clock } from '../../../src/system-clock.ts';
import { testFolder } from '../../support/test-folder.ts';
import { until } from '../../support/until.ts';
import { coordinatorContract } from '../coordinator-contract.ts';
import { membershipContract, startNode } from '../membership-contract.ts';

const base = testFolder();
let folders = 0;
const newFolder = (): string => join(base, `${++folders}`);
const shared = newFolder();
coordinatorContract('embedded', { open: () => makeEmbeddedCoordinator({ folder: shared, clock }) });

const MODULE = new URL('../../../src/cluster/coordinators/embedded.ts', import.meta.url).href;
const CLOCK = new URL('../../../src/system-clock.ts', import.meta.url).href;

/** Another process on the same folder: runs `body` with `coordinator`, and tells `ready`. */
async function startProcess(folder: string, body: string): Promise<ChildProcess> {
  const script = `const { makeEmbeddedCoordinator } = await import(${JSON.stringify(MODULE)});
    const { systemClock: clock } = await import(${JSON.stringify(CLOCK)});
    const coordinator = makeEmbeddedCoordinator({ folder: ${JSON.stringify(folder)}, clock });
    ${body}
    process.stdout.write('ready'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  after(() => child.kill('SIGKILL'));
  await once(child.stdout!, 'data');
  return child;
}

test('processes that begin in a new folder at the same moment all begin', async () => {
  const folder = newFolder();
  const script = `const { makeEmbeddedCoordinator } = await import(${JSON.stringify(MODULE)});
    const { systemClock: clock } = await import(${JSON.stringify(CLOCK)});
    process.stdout.write('ready');
    const [first] = await (await import('node:events')).once(process.stdin, 'data');
    for (let n = 0; n < 40; n++) {
      while (Date.now() < Number(first) + 12 * n);
      await makeEmbeddedCoordinator({ folder: ${JSON.stringify(folder)} + '/' + n, clock }).close();
    }
    process.exit();`;
  const children = [1, 2, 3].map(() => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    after(() => child.kill('SIGKILL'));
    return child;
  });
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  const ended = children.map((child) => once(child, 'exit'));
  for (const child of children) child.stdin.write(String(Date.now() + 50));
  for (const [code] of await Promise.all(ended)) assert.equal(code, 0);
});

const INCREMENT = (times: number): string => `
  for (let done = 0; done < ${times}; ) {
    const seen = await coordinator.step({ conditions: [], changes: [], reads: ['n'] });
    if (seen.outcome !== 'ok') continue;
    const { version = 0, value = '0' } = seen.records.get('n') ?? {};
    const next = Buffer.from(String(Number(Buffer.from(value).toString()) + 1));
    const { outcome } = await coordinator.step({ conditions: [{ key: 'n', version }], changes: [{ key: 'n', value: next }] });
    if (outcome === 'ok') done++;
  }`;

test('processes that write at once lose nothing, and one that is killed in between harms nobody', async () => {
  const folder = newFolder();
  const coordinator = makeEmbeddedCoordinator({ folder, clock });
  const read = async (key: string): Promise<string | undefined> => {
    const seen = await coordinator.step({ conditions: [], changes: [], reads: [key] });
    const record = seen.outcome === 'ok' ? seen.records.get(key) : undefined;
    return record && Buffer.from(record.value).toString();
  };
  const [victim] = await Promise.all([
    startProcess(folder, `void (async () => { ${INCREMENT(1e9).replaceAll("'n'", "'v'")} })();`),
    startProcess(folder, INCREMENT(300)),
    startProcess(folder, INCREMENT(300)),
  ]);
  while ((await read('v')) === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  assert.equal(await read('n'), '600');
  const seen = await coordinator.step({ conditions: [], changes: [], reads: ['v'] });
  assert(seen.outcome === 'ok');
  const { version } = seen.records.get('v')!;
  const step = { conditions: [{ key: 'v', version }], changes: [{ key: 'v', value: Buffer.from('x') }] };
  assert.equal((await coordinator.step(step)).outcome, 'ok');
  await coordinator.close();
});

test('a lock is proof of death for whoever is killed, not for who lives, has let go or was never there', async () => {
  const folder = newFolder();
  const coordinator = makeEmbeddedCoordinator({ folder, clock });
  const locks = coordinator.locks!;
  const child = await startProcess(folder, `coordinator.locks.hold('theirs');`);
  locks.hold('mine');
  const other = makeEmbeddedCoordinator({ folder, clock });
  for (const inc of ['theirs', 'mine', 'nobody']) assert.equal(other.locks!.isDead(inc), false, inc);
  locks.release('mine');
  assert.equal(other.locks!.isDead('mine'), false);
  child.kill('SIGSTOP');
  assert.equal(locks.isDead('theirs'), false, 'stopped is not dead');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(locks.isDead('theirs'), true);
  assert.equal(other.locks!.isDead('theirs'), true);
  locks.forget('theirs');
  assert.deepEqual(readdirSync(join(folder, 'locks')), []);
  await coordinator.close();
  await other.close();
});

test('files are private, and what an earlier boot of the machine left is removed', async () => {
  const folder = newFolder();
  const first = makeEmbeddedCoordinator({ folder, clock });
  await first.step({ conditions: [], changes: [{ key: 'a', value: Buffer.from('x') }] });
  await first.close();
  writeFileSync(join(folder, 'view-earlier.db'), 'x');
  const second = makeEmbeddedCoordinator({ folder, clock });
  const seen = await second.step({ conditions: [], changes: [], reads: ['a'] });
  assert(seen.outcome === 'ok' && seen.records.has('a'), 'the same boot: it is kept');
  await second.close();
  assert.equal((await second.step({ conditions: [], changes: [], reads: ['a'] })).outcome, 'unknown');
  for (const name of readdirSync(folder)) {
    assert.notEqual(name, 'view-earlier.db');
    assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
  }
});

membershipContract('embedded', {
  open: () => makeEmbeddedCoordinator({ folder: join(base, 'members'), clock }),
});

test('a killed process is evicted at once: its lock is proof; a stopped one only after W', {
  timeout: 30_000,
}, async () => {
  const folder = newFolder();
  const NODE = new URL('../membership-contract.ts', import.meta.url).href;
  const start = (name: string): Promise<ChildProcess> =>
    startProcess(
      folder,
      `const { startNode } = await import(${JSON.stringify(NODE)});
      globalThis.node = startNode('${name}', coordinator);`,
    );
  const own = startNode('own', makeEmbeddedCoordinator({ folder, clock }));
  const [killed, stopped] = await Promise.all([start('killed'), start('stopped')]);
  const members = (): string[] =>
    own.membership
      .view()
      ?.members.map(({ nodeId }) => nodeId)
      .sort() ?? [];
  await until('all three join', () => members().length === 3 && own.membership.isInTime());

  killed.kill('SIGKILL');
  const atOnce = await until('the killed one is evicted', () => members().length === 2);
  assert(atOnce < 700, `${atOnce} ms`);
  stopped.kill('SIGSTOP');
  const later = await until('the stopped one is evicted', () => members().length === 1);
  assert(later > 700, `${later} ms`);
  stopped.kill('SIGCONT');
  await until('it comes back', () => members().length === 2);
  assert.deepEqual(members(), ['own', 'stopped']);
  await own.membership.stop();
  await own.close();
});

test('a process stopped inside a transaction keeps nobody’s event loop; what it held is free when it is killed', async () => {
  const folder = newFolder();
  const coordinator = makeEmbeddedCoordinator({ folder, clock });
  const step = { conditions: [], changes: [{ key: 'a', value: Buffer.from('x') }] };
  assert.equal((await coordinator.step(step)).outcome, 'ok');
  const file = readdirSync(folder).find((name) => name.endsWith('.db'))!;
  const child = await startProcess(
    folder,
    `const { DatabaseSync } = await import('node:sqlite');
    globalThis.db = new DatabaseSync(${JSON.stringify(join(folder, file))});
    db.exec('BEGIN IMMEDIATE');`,
  );
  child.kill('SIGSTOP');
  const began = performance.now();
  assert.equal((await coordinator.step(step)).outcome, 'unknown');
  assert(performance.now() - began < EMBEDDED_OPEN_MS);
  const seen = await coordinator.step({ conditions: [], changes: [], reads: ['a'] });
  assert(seen.outcome === 'ok' && seen.records.has('a'), 'reads go on');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal((await coordinator.step(step)).outcome, 'ok');
  await coordinator.close();
});
