import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { completeLock, platformOf } from '../../scripts/complete-lock.ts';

test('the platform is read off a package name', () => {
  assert.deepEqual(platformOf('@x/cli-darwin-arm64'), { cpu: ['arm64'], os: ['darwin'] });
  assert.deepEqual(platformOf('@x/cli-linux-x64-musl'), { cpu: ['x64'], libc: ['musl'], os: ['linux'] });
  assert.deepEqual(platformOf('@x/binding-linux-arm-gnueabihf'), {
    cpu: ['arm'],
    libc: ['glibc'],
    os: ['linux'],
  });
  assert.equal(platformOf('left-pad'), undefined);
});

test('what is missing is entered; what is there or is for no platform is left alone', () => {
  const packages = {
    'node_modules/x': {
      dev: true,
      optionalDependencies: { '@x/darwin-arm64': '1.0.0', '@x/linux-x64': '1.0.0', fsevents: '2.0.0' },
    },
    'node_modules/@x/linux-x64': { version: '1.0.0' },
  };
  assert.deepEqual(completeLock(packages), ['@x/darwin-arm64@1.0.0']);
  assert.deepEqual((packages as Record<string, unknown>)['node_modules/@x/darwin-arm64'], {
    version: '1.0.0',
    cpu: ['arm64'],
    dev: true,
    os: ['darwin'],
    optional: true,
  });
});

test("the project's own lock file is complete, so that npm ci takes it (else: scripts/run scripts/complete-lock.ts)", () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
  assert.deepEqual(completeLock(lock.packages), []);
});
