import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialAddress, listenAddress, parseHostPort } from '../../../src/cluster/transport/address.ts';

const PEER = '12D3KooWPsqVtSddQXod8ASUNsYqgCZXBs5kFFxd1MEJPUsP1U17';

test('addresses and names, with brackets around IPv6', () => {
  const dialed = (text: string) => dialAddress(parseHostPort(text), PEER).toString();
  assert.equal(dialed('10.0.0.1:8201'), `/ip4/10.0.0.1/tcp/8201/p2p/${PEER}`);
  assert.equal(dialed('[::1]:8201'), `/ip6/::1/tcp/8201/p2p/${PEER}`);
  assert.equal(dialed('node-1.example:8201'), `/dns/node-1.example/tcp/8201/p2p/${PEER}`);
});

test('anything else is refused', () => {
  const bad = [
    '',
    'host',
    ':1',
    'host:',
    'host:x',
    'host:65536',
    '::1:8201',
    '[10.0.0.1]:1',
    '[::1]',
    'a/b:1',
    'a b:1',
  ];
  for (const text of [...bad, 'a:1:2', '[::1:1', 'é:1', 'a:-1', 'a:123456']) {
    assert.throws(() => parseHostPort(text), /host:port/, text);
  }
});

test('a name to listen at is looked up', async () => {
  assert.match(
    (await listenAddress({ host: 'localhost', port: 0 })).toString(),
    /^\/ip[46]\/(127\.0\.0\.1|::1)\/tcp\/0$/,
  );
  assert.equal((await listenAddress({ host: '::', port: 5 })).toString(), '/ip6/::/tcp/5');
});
