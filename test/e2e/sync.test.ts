/**
 * Durable before answered, as the kernel sees it: between the arrival of each write and its answer its group was written to the log, whose file
 * was opened so that a write is durable when it returns (O_DSYNC).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { freePort } from '../support/free-port.ts';
import { missing, notOnThisPlatform } from '../support/missing.ts';
import { COFFER_ENTRY, killServers, startServer } from '../support/server.ts';
import { findStrace, readCalls, type SystemCall } from '../support/strace.ts';
import { testFolder } from '../support/test-folder.ts';

afterEach(killServers);

const strace = findStrace();
const platform = process.platform === 'linux' ? false : notOnThisPlatform('strace is for Linux');
const WRITERS = 8;
const EACH = 12;
const TRACED = 'openat,read,write,writev,sendto,sendmsg,pwrite64,pwritev,pwritev2,fdatasync,fsync,msync';

/** One connection, so that its descriptor tells which answer is to which request. */
async function write(port: number, agent: Agent, writer: number, n: number): Promise<void> {
  const kinds: [path: string, body: object][] = [
    [`secret/data/w/${writer}/${n}`, { data: { n } }],
    [`kv/w/${writer}/same`, { n }],
    [`sys/policies/acl/p${writer}`, { policy: `path "${n}" { capabilities = ["read"] }` }],
    ['auth/token/create', { policies: ['default'] }],
  ];
  const [path, body] = kinds[n % kinds.length]!;
  await new Promise<void>((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        agent,
        method: 'POST',
        path: `/v1/${path}`,
        headers: { 'x-vault-token': 'root' },
      },
      (reply) => {
        reply.resume();
        reply.once('end', () => {
          if (reply.statusCode === 200 || reply.statusCode === 204) resolve();
          else reject(new Error(`${path}: ${reply.statusCode}`));
        });
      },
    );
    sent.once('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** The descriptor's text: number and, with `-y`, what it is. */
const descriptor = ({ args }: SystemCall): string =>
  args.slice(0, args.indexOf(',') < 0 ? undefined : args.indexOf(','));

test('strace: between each write and its answer its group is written to the log, durably', {
  skip: platform || (strace ? false : missing('strace')),
}, async (t) => {
  const folder = testFolder('sync');
  const port = await freePort();
  const trace = join(folder, 'trace');
  const [command = '', ...args] = [
    ...strace!,
    '-D',
    '-f',
    '-y',
    '-s',
    '80',
    '-o',
    trace,
    '-e',
    `trace=${TRACED}`,
  ];
  const server = await startServer({
    command,
    args: [
      ...args,
      process.execPath,
      COFFER_ENTRY,
      'server',
      '-dev',
      `-dev-data=${folder}/data`,
      '-dev-root-token-id=root',
      '-dev-no-store-token',
      `-dev-listen-address=127.0.0.1:${port}`,
    ],
    env: { HOME: folder },
    address: `http://127.0.0.1:${port}`,
  });
  const setUp = new Agent({ keepAlive: true, maxSockets: 1 });
  await new Promise<void>((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        agent: setUp,
        method: 'POST',
        path: '/v1/sys/mounts/kv',
        headers: { 'x-vault-token': 'root' },
      },
      (reply) => reply.resume().once('end', resolve),
    );
    sent.once('error', reject);
    sent.end('{"type":"kv"}');
  });
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let n = 0; n < EACH; n++) await write(port, agent, writer, n);
      agent.destroy();
    }),
  );
  setUp.destroy();
  await server.stop();
  assert.equal(await server.exited, 0);

  const calls = readCalls(trace);
  const isLog = (call: SystemCall) => /coffer-[ab]\.log>$/.test(descriptor(call));
  const opened = calls.filter((call) => call.name === 'openat' && /coffer-[ab]\.log"/.test(call.args));
  assert(opened.length >= 2);
  for (const { args } of opened)
    assert.match(args, /O_DSYNC/, 'a write of the log is durable when it returns');
  const written = calls.filter((call) => call.name === 'pwrite64' && isLog(call) && Number(call.result) > 0);
  const arrivals = calls.filter((call) => call.name === 'read' && /"POST \/v1\//.test(call.args));
  const answers = calls.filter(
    (call) => /"HTTP\/1\.1 20[04] /.test(call.args) && /^(write|send)/.test(call.name),
  );
  let checked = 0;
  for (const arrival of arrivals) {
    const answer = answers.find(
      (call) => call.began > arrival.ended && descriptor(call) === descriptor(arrival),
    );
    assert(answer, `no answer to ${arrival.args}`);
    const group = written.find((call) => call.began > arrival.ended && call.ended < answer.began);
    assert(group, `answered before it was durable: ${arrival.args}`);
    checked++;
  }
  assert.equal(checked, WRITERS * EACH + 1);
  t.diagnostic(`${checked} writes, ${written.length} groups of the log`);
});
