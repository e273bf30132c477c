/** @module What stands before the nodes hands each request to the next one, and leaves it as it was. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { type HttpParseError, repairVerb, sentVerb } from '../../../src/http/list-verb.ts';
import { freePort } from '../../support/free-port.ts';
import { startRoundRobin } from './round-robin.ts';

const servers: { close(): void }[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
after(() => {
  agent.destroy();
  for (const server of servers) server.close();
});

/** Answers with its name and what it was asked. */
async function node(name: string): Promise<string> {
  const server = createServer(async (asked, reply) => {
    const body = (await asked.toArray()).join('');
    const words = [
      name,
      sentVerb(asked.method!, asked.socket),
      asked.url,
      asked.headers['x-vault-token'],
      body,
    ];
    reply.writeHead(404, { 'x-of': name }).end(words.join(' '));
  });
  server.on('clientError', (error: HttpParseError, stream) => repairVerb(error, stream));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('requests of one connection go to each node in turn, as they are', async () => {
  const port = await freePort();
  const addresses = Promise.withResolvers<readonly string[]>();
  servers.push(await startRoundRobin({ host: '127.0.0.1', port, addresses: addresses.promise }));
  const ask = async (method: string, path: string, body?: string): Promise<string> => {
    const sent = request({ port, host: '127.0.0.1', agent, method, path, headers: { 'X-Vault-Token': 't' } });
    sent.end(body);
    const [reply] = await once(sent, 'response');
    const text = (await reply.toArray()).join('');
    return `${reply.statusCode} ${reply.headers['x-of']}: ${text}`;
  };
  const early = ask('PUT', '/v1/a%2Fb/../c?d', 'body');
  addresses.resolve([await node('n1'), await node('n2')]);
  assert.equal(await early, '404 n1: n1 PUT /v1/a%2Fb/../c?d t body');
  assert.equal(await ask('LIST', '/v1/e'), '404 n2: n2 LIST /v1/e t ');
  assert.equal(await ask('GET', '/v1/f'), '404 n1: n1 GET /v1/f t ');
  assert.equal(Object.values(agent.freeSockets).flat().length, 1);
});
