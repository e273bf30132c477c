import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILD_DATE, BUILTIN_PLUGIN_VERSION, VAULT_VERSION } from '../../../src/model/version.ts';
import { answer, ask, fakeCore, NOW_MS, refusal } from './ask.ts';

test('version-history: oldest first, each with the one before', async () => {
  const core = fakeCore();
  core.settingsNow.set(`version-history/${VAULT_VERSION}`, NOW_MS);
  core.settingsNow.set('version-history/1.9.0', NOW_MS - 86_400_000);
  assert.deepEqual(await answer(core, 'list', 'version-history'), {
    keys: ['1.9.0', VAULT_VERSION],
    key_info: {
      '1.9.0': {
        build_date: null,
        previous_version: null,
        timestamp_installed: '2026-01-01T03:04:05Z',
      },
      [VAULT_VERSION]: {
        build_date: BUILD_DATE,
        previous_version: '1.9.0',
        timestamp_installed: '2026-01-02T03:04:05Z',
      },
    },
  });
  assert.equal((await refusal(core, 'read', 'version-history'))[0], 405);
});

test('no replication, no experiments, a seal that is well', async () => {
  const core = fakeCore();
  const disabled = { mode: 'disabled' };
  assert.deepEqual(await answer(core, 'read', 'replication/status'), {
    ...disabled,
    dr: disabled,
    performance: disabled,
  });
  assert.deepEqual(await answer(core, 'read', 'seal-backend-status'), {
    healthy: true,
    backends: [{ name: 'shamir', healthy: true }],
  });
  assert.deepEqual(await answer(core, 'read', 'experiments'), { available: [], enabled: [] });
  assert.deepEqual(await answer(core, 'read', 'activation-flags'), { activated: [], unactivated: [] });
  assert.deepEqual(await answer(core, 'read', 'internal/ui/version'), { version: VAULT_VERSION });
  assert.deepEqual(await answer(core, 'read', 'internal/ui/feature-flags'), { feature_flags: null });
  assert.deepEqual(await answer(core, 'list', 'well-known'), { keys: [] });
  assert.deepEqual(await ask(core, 'read', 'well-known/x'), {});
});

test('counters: tokens are counted; of clients there is nothing yet', async () => {
  const core = fakeCore();
  assert.deepEqual(await answer(core, 'read', 'internal/counters/tokens'), {
    counters: { service_tokens: { total: 1 } },
  });
  assert.deepEqual(await answer(core, 'read', 'internal/counters/entities'), {
    counters: { entities: { total: 0 } },
  });
  for (const path of ['activity', 'activity/monthly', 'activity/export'])
    assert.deepEqual(await ask(core, 'read', `internal/counters/${path}`), { status: 204 });
  assert.equal((await answer(core, 'read', 'internal/counters/config')).enabled, 'default-disabled');
  assert.deepEqual(await refusal(core, 'read', 'internal/counters/requests'), [
    404,
    'The functionality has been removed on this path',
  ]);
});

test('plugins: what is built in is listed, whole and by kind, and shown', async () => {
  const core = fakeCore();
  core.authTypes.push('userpass', 'approle');
  const all = await answer(core, 'read', 'plugins/catalog');
  assert.deepEqual(all.auth, ['approle', 'userpass']);
  assert.deepEqual(all.secret, ['kv']);
  assert.deepEqual(all.database, []);
  assert.deepEqual(all.detailed[0], {
    builtin: true,
    deprecation_status: 'supported',
    name: 'approle',
    type: 'auth',
    version: BUILTIN_PLUGIN_VERSION,
  });
  assert.deepEqual(await answer(core, 'list', 'plugins/catalog/auth/'), { keys: ['approle', 'userpass'] });
  const shown = await answer(core, 'read', 'plugins/catalog/secret/kv');
  assert.deepEqual([shown.name, shown.builtin, shown.args], ['kv', true, null]);
  assert.deepEqual(await answer(core, 'read', 'plugins/pins'), { pinned_versions: [] });
  assert.deepEqual(await answer(core, 'list', 'plugins/runtimes/catalog'), { runtimes: [] });
});

test('nothing is registered, removed or loaded anew, and what is no plugin is not found', async () => {
  const core = fakeCore();
  const body = { sha256: 'a'.repeat(64), command: 'x' };
  assert.equal((await refusal(core, 'update', 'plugins/catalog/secret/kv', { body }))[0], 405);
  assert.equal((await refusal(core, 'delete', 'plugins/catalog/secret/kv'))[0], 405);
  assert.equal((await refusal(core, 'update', 'plugins/reload/backend', { body: { plugin: 'kv' } }))[0], 404);
  for (const path of ['plugins/pins/secret/kv', 'plugins/runtimes/catalog/container/x']) {
    assert.equal((await refusal(core, 'update', path, { body: { version: 'v1.0.0' } }))[0], 400, path);
    assert.deepEqual(await ask(core, 'read', path), {}, path);
    assert.deepEqual(await ask(core, 'delete', path), {}, path);
  }
  assert.equal((await refusal(core, 'read', 'plugins/catalog/auth/kv'))[0], 404);
  assert.equal((await refusal(core, 'read', 'plugins/catalog/nope/kv'))[0], 400);
  assert.equal((await refusal(core, 'list', 'plugins/catalog/nope/'))[0], 400);
});
