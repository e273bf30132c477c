/**
 * Figures that the issue promises (section 7.1 and 7.6): how fast it is up, how much an idle dev server holds, how fast a short command is.
 * Printed each time. Times are taken while other tests run beside, so twice of what is promised is let pass; `FIGURES=strict` on an idle
 * machine takes them at their word.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { call } from '../support/http.ts';
import { notOnThisPlatform } from '../support/missing.ts';
import { killServers, startDev } from '../support/server.ts';
import { testFolder } from '../support/test-folder.ts';

afterEach(killServers);

const LAUNCHER = fileURLToPath(new URL('../../bin/coffer', import.meta.url));
const LENIENCE = process.env.FIGURES === 'strict' ? 1 : 2;
const HEALTHY_MS = 1_500;
const STATUS_MS = 250;
const STATUS_RUNS = 20;
const RESIDENT_MB = 160;
const IDLE_MS = 10_000;

/** Milliseconds from the start of the launcher, as `npm start` calls it, to the first healthy answer. */
async function timeToHealth(): Promise<number> {
  const address = `http://127.0.0.1:${await freePort()}`;
  const began = performance.now();
  const child = spawn(LAUNCHER, ['server', '-dev', `-dev-listen-address=${new URL(address).host}`], {
    env: { ...process.env, HOME: testFolder('home') },
    stdio: 'ignore',
  });
  try {
    for (;;) {
      const status = await call(address, 'GET', '/v1/sys/health').then(
        (reply) => reply.status,
        () => 0,
      );
      const took = performance.now() - began;
      if (status === 200) return took;
      assert(took < 30_000, 'no answer');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

test(`a dev server is healthy within ${HEALTHY_MS} ms`, async (t) => {
  const times: number[] = [];
  for (let run = 0; run < 3; run++) times.push(await timeToHealth());
  t.diagnostic(`healthy after ${times.map((ms) => Math.round(ms)).join(', ')} ms`);
  assert(Math.min(...times) <= HEALTHY_MS * LENIENCE);
});

test(`an idle dev server holds at most ${RESIDENT_MB} MB, and status takes at most ${STATUS_MS} ms`, {
  skip: process.platform === 'linux' ? false : notOnThisPlatform('/proc'),
}, async (t) => {
  const idle = await startDev();
  const began = performance.now();
  const asked = await startDev();
  const times: number[] = [];
  for (let run = 0; run < STATUS_RUNS; run++) {
    const start = performance.now();
    const { status, stdout } = spawnSync(LAUNCHER, ['status'], {
      env: { ...process.env, VAULT_ADDR: asked.address },
      encoding: 'utf8',
    });
    times.push(performance.now() - start);
    assert.equal(status, 0);
    assert.match(stdout, /^Sealed +false$/m);
  }
  times.sort((a, b) => a - b);
  const median = times[STATUS_RUNS >> 1]!;
  t.diagnostic(`status: median ${Math.round(median)} ms, fastest ${Math.round(times[0]!)} ms`);
  assert(median <= STATUS_MS * LENIENCE);

  await new Promise((resolve) => setTimeout(resolve, Math.max(0, IDLE_MS - (performance.now() - began))));
  const facts = readFileSync(`/proc/${idle.pid}/status`, 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(facts)?.[1]) / 1_024;
  t.diagnostic(`VmRSS ${Math.round(of('VmRSS'))} MB, of it RssAnon ${Math.round(of('RssAnon'))} MB`);
  assert(of('VmRSS') <= RESIDENT_MB);
});
