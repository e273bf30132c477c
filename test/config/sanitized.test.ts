import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ShownSettings, sanitizedConfig } from '../../src/config/sanitized.ts';

const CANARY = 'canary-41d7';

const settings: ShownSettings = {
  storage: { type: 'inmem' },
  // As an etcd or a Consul is configured: with what it is asked by.
  cluster: { storage: { type: 'etcd', password: CANARY, token: CANARY } as { type: string } },
  listeners: [
    {
      address: '127.0.0.1:8200',
      tls_key_file: '/key.pem',
      custom_response_headers: { default: { 'X-A': [CANARY] } },
    },
  ],
  apiAddress: 'https://a:8200',
  clusterAddress: 'https://a:8201',
  clusterName: 'name',
  defaultLeaseTtl: 10,
  maxLeaseTtl: 20,
  log: { level: 'debug', format: 'json' },
  requestsLevel: undefined,
  telemetry: {},
  ui: true,
  hostname: undefined,
  pidFile: '/run/pid',
  rawStorage: true,
  introspection: false,
};

test('what was configured is shown under the names of Vault, the secrets of it are not', () => {
  const shown = sanitizedConfig(settings);
  assert.equal(JSON.stringify(shown).includes(CANARY), false);
  assert.deepEqual(shown.listeners, [
    { config: { address: '127.0.0.1:8200', tls_key_file: '/key.pem' }, type: 'tcp' },
  ]);
  assert.equal((shown.storage as { type: string }).type, 'etcd');
  assert.deepEqual(
    [shown.api_addr, shown.default_lease_ttl, shown.log_level, shown.enable_ui, shown.raw_storage_endpoint],
    ['https://a:8200', 10, 'debug', true, true],
  );
});
