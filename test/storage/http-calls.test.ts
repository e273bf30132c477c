import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { test } from 'node:test';
import { makeHttpCalls } from '../../src/storage/http-calls.ts';
import { CallFailed } from '../../src/storage/store-calls.ts';
import { systemClock as clock } from '../../src/system-clock.ts';
import { freePort } from '../support/free-port.ts';
import { callsContract, listening } from './calls-contract.ts';

const refuse = ({ status }: { status: number }) =>
  status === 200 ? undefined : new CallFailed('refused', `${status}`, { status, passing: status === 429 });

callsContract('HTTP', {
  serve(port, seen, tls) {
    const server = tls === undefined ? createServer() : createSecure(tls);
    server.on('request', (request, response) => {
      request.resume().on('end', () => {
        const what = seen();
        if (what === 'cut') request.socket.destroy();
        if (what === 'answer') response.end(what);
      });
    });
    return listening(server, port);
  },
  async stop(server) {
    (server as ReturnType<typeof createServer>).closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
  make(options) {
    const calls = makeHttpCalls(options);
    return {
      async ask(call) {
        const request = { method: 'PUT', path: '/x', body: 'x', judge: refuse } as const;
        return (await calls.send(request, call)).body.toString();
      },
      close: calls.close,
    };
  },
});

test('an answer that is refused in passing goes on to the next endpoint, others do not', async (t) => {
  const addresses: string[] = [];
  for (const status of [429, 403, 200]) {
    const port = await freePort();
    const server = await listening(
      createServer((_request, response) => {
        response.statusCode = status;
        response.end();
      }),
      port,
    );
    t.after(() => server.close());
    addresses.push(`http://127.0.0.1:${port}`);
  }
  const calls = makeHttpCalls({ endpoints: addresses, clock });
  t.after(() => calls.close());
  const send = () => calls.send({ method: 'GET', path: '/', judge: refuse });
  await assert.rejects(send(), { kind: 'refused', status: 403 });
});
