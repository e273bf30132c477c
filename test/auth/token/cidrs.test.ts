import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isWithin, networksOf } from '../../../src/auth/token/cidrs.ts';
import type { CodedError } from '../../../src/model/errors.ts';
import { CIDRS_MAX } from '../../../src/model/limits.ts';

test('a network of one address is shown as that address, as in Vault', () => {
  assert.deepEqual(networksOf(['127.0.0.1/32', '10.0.0.0/8', '::1/128', '10.0.0.0/8', '']), [
    '127.0.0.1',
    '10.0.0.0/8',
    '::1',
  ]);
});

test('what is no network is refused, and not repeated', () => {
  for (const text of [
    'secret',
    '10.0.0.0/33',
    '10.0.0.0/',
    '::1/129',
    '10.0.0.0/8/8',
    'fe80::1%eth0',
    '10.0.0.0/-1',
  ])
    assert.throws(
      () => networksOf([text]),
      (error: CodedError) => error.code === 'bad_request' && !error.message.includes(text),
      text,
    );
  assert.throws(() => networksOf(Array.from({ length: CIDRS_MAX + 1 }, () => '10.0.0.1')));
});

test('no networks: any address; else only one that lies in them', () => {
  assert(isWithin('192.0.2.1', undefined));
  assert(isWithin('192.0.2.1', []));
  const networks = networksOf(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']);
  assert(isWithin('10.255.0.1', networks));
  assert(isWithin('192.0.2.1', networks));
  assert(isWithin('2001:db8::5', networks));
  assert(!isWithin('192.0.2.2', networks));
  assert(!isWithin('11.0.0.1', networks));
  assert(!isWithin('2001:db9::5', networks));
  assert(!isWithin('', networks));
  assert(!isWithin('not an address', networks));
});

test('an IPv4 network holds the addresses that share its first bits', () => {
  const number = (address: string) => address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (network, address, bits) => {
      fc.pre(isIPv4(network) && isIPv4(address));
      const shared =
        Math.floor(number(network) / 2 ** (32 - bits)) === Math.floor(number(address) / 2 ** (32 - bits));
      assert.equal(isWithin(address, networksOf([`${network}/${bits}`])), shared);
    }),
  );
});
