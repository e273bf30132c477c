import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMPATIBILITY_FILE, compatibilityPage, endpoints } from '../../scripts/compatibility.ts';

test('docs/compatibility.md says what the route tables say', () => {
  assert.equal(
    readFileSync(COMPATIBILITY_FILE, 'utf8'),
    compatibilityPage(),
    'out of date: run `node scripts/compatibility.ts` and commit the page',
  );
});

test('the list of endpoints names each once', () => {
  const names = endpoints().map(({ verb, path }) => `${verb} ${path}`);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

test('what the first release serves is found served, and what it does not is not', () => {
  const served = new Map(endpoints().map(({ verb, path, served }) => [`${verb} ${path}`, served]));
  for (const name of [
    'GET sys/health',
    'HEAD sys/health',
    'POST sys/rotate',
    'POST sys/mounts/:path/tune',
    'POST sys/mounts/auth/:path/tune',
    'LIST sys/policies/acl',
    'POST auth/token/renew-self',
    'LIST cubbyhole/:path',
    'PATCH secret/data/:path',
    'POST sys/remount',
  ]) {
    assert.equal(served.get(name), 'served', name);
  }
  assert.equal(served.get('POST sys/unseal'), 'partly');
  for (const name of ['GET sys/generate-recovery-token/attempt', 'GET sys/storage/raft/configuration']) {
    assert.equal(served.get(name), 'not there', name);
  }
  for (const name of ['POST transit/encrypt/:name']) {
    assert.equal(served.get(name), 'not yet', name);
  }
});
