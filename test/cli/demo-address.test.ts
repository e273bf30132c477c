import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../../src/cli/commands/cluster-demo.ts';
import { CommandFailure } from '../../src/cli/failure.ts';

test('the store of a demo is named with its scheme or without', () => {
  for (const [type, given, address] of [
    ['consul', '', ''],
    ['consul', '127.0.0.1:8500', 'http://127.0.0.1:8500'],
    ['consul', 'https://consul.example:8501/', 'https://consul.example:8501'],
    ['consul', '[::1]:8500', 'http://[::1]:8500'],
    ['etcd', 'localhost:2379', 'http://localhost:2379'],
    ['etcd', 'a:2379, https://b:2379', 'http://a:2379,https://b:2379'],
  ] as const)
    assert.equal(addressOf(type, given), address, given);
});

test('what names no store is refused in one sentence', () => {
  for (const [type, given] of [
    ['consul', 'a:8500,b:8500'],
    ['consul', 'ftp://a:8500'],
    ['consul', 'a:8500/path'],
    ['consul', 'a:port'],
    ['consul', 'user:word@a:8500'],
    ['etcd', 'a:2379,'],
    ['etcd', ' '],
  ] as const) {
    const text = new RegExp(`^-${type}: expected .* such as "127\\.0\\.0\\.1:\\d+" or "http://`);
    assert.throws(
      () => addressOf(type, given),
      (error) => error instanceof CommandFailure && text.test(error.message),
      given,
    );
  }
});
