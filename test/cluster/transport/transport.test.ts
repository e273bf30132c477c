import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPair } from '../../support/transports.ts';

test('a request comes back as the handler answered it', async (t) => {
  const [a, b] = await startPair(t);
  b.onRequest(({ bytes, peer, protocol }) => {
    assert.equal(peer, a.peer);
    assert.equal(protocol, 1);
    return Buffer.from(`<${Buffer.from(bytes)}>`);
  });
  const reply = await a.request(b.peer, Buffer.from('hello'));
  assert.equal(Buffer.from(reply).toString(), '<hello>');
});
