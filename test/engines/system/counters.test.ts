import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ask, fakeCore, refusal } from './ask.ts';

const CONFIG = 'internal/counters/config';
const USUAL = {
  billing_start_timestamp: null,
  default_report_months: 12,
  enabled: 'default-disabled',
  minimum_retention_months: 48,
  queries_available: false,
  reporting_enabled: false,
  retention_months: 48,
};

test('how clients would be counted is kept: what is not given stays, and Vault’s warnings are given', async () => {
  const core = fakeCore();
  assert.deepEqual(await answer(core, 'read', CONFIG), USUAL);
  assert.deepEqual(await ask(core, 'update', CONFIG, { body: { retention_months: 24 } }), {});
  assert.deepEqual(await ask(core, 'update', CONFIG, { body: { enabled: 'enable' } }), {});
  assert.deepEqual(await answer(core, 'read', CONFIG), { ...USUAL, enabled: 'enable', retention_months: 24 });
  const capped = await ask(core, 'update', CONFIG, {
    body: { retention_months: 61, default_report_months: 6 },
  });
  assert.deepEqual(
    capped.warnings?.map((warning) => warning.split(' ')[0]),
    ['default_report_months', 'retention_months'],
  );
  const disabled = await ask(core, 'update', CONFIG, { body: { enabled: 'disable' } });
  assert.match(disabled.warnings?.[0] ?? '', /^the current monthly segment will be deleted/);
  assert.deepEqual(await answer(core, 'read', CONFIG), {
    ...USUAL,
    enabled: 'disable',
    retention_months: 60,
    default_report_months: 6,
  });
  assert.deepEqual(await ask(core, 'update', CONFIG, { body: { enabled: 'default' } }), {});
  assert.equal((await answer(core, 'read', CONFIG)).enabled, 'default-disabled');
});

for (const [body, wanted] of [
  [{ enabled: 'CANARY' }, 'enabled must be one of'],
  [{ retention_months: -1 }, 'greater than or equal to 0'],
  [{ default_report_months: 0 }, 'greater than 0'],
  [{ enabled: 'enable', retention_months: 0 }, 'cannot be 0 while enabled'],
  [{ retention_months: 'CANARY' }, 'retention_months'],
] as const) {
  test(`refused: ${JSON.stringify(body)}`, async () => {
    const core = fakeCore();
    const [status, text] = await refusal(core, 'update', CONFIG, { body });
    assert.equal(status, 400);
    assert(text?.includes(wanted), String(text));
    assert(!text?.includes('CANARY'));
    assert.deepEqual(await answer(core, 'read', CONFIG), USUAL);
  });
}

for (const path of ['activity', 'activity/export']) {
  test(`${path}: nothing yet, in whatever time is asked about; what is no time is refused`, async () => {
    const core = fakeCore();
    const at = `internal/counters/${path}`;
    for (const query of [
      {},
      { start_time: '2024-01-01T00:00:00Z' },
      { start_time: '1700000000', end_time: '2030-01-01T00:00:00+02:00' },
      { start_time: '', end_time: '' },
    ] as Record<string, string>[])
      assert.deepEqual(await ask(core, 'read', at, { query }), { status: 204 });
    const backwards = { start_time: '2025-01-01T00:00:00Z', end_time: '2024-01-01T00:00:00Z' };
    assert.deepEqual(await refusal(core, 'read', at, { query: backwards }), [
      400,
      'start_time is later than end_time',
    ]);
    for (const start_time of ['CANARY', '2024-01-01', '2024-13-01T00:00:00Z', '-5']) {
      const [status, text] = await refusal(core, 'read', at, { query: { start_time } });
      assert.equal(status, 400);
      assert.match(text ?? '', /^Field validation failed: .* "start_time": expected a time$/);
    }
  });
}
