import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engine } from '../../src/model/engine.ts';
import { canonicalRelative, makeRouter } from '../../src/pipeline/router.ts';

const router = makeRouter(
  engine('test', '', {
    mounts: {},
    'mounts/:path*/tune': { lowerCase: ['path'] },
    'mounts/:path*': {},
  }),
);

test('literals behind a rest: the rest is what stands before them, slashes and all', () => {
  const match = router.match('mounts/A/b c/tune');
  assert.equal(match?.pattern, 'mounts/:path*/tune');
  assert.deepEqual(match?.captures, { path: 'a/b c' });
  assert.equal(canonicalRelative(match!.pattern, match!, 'mounts/A/b c/tune'), 'mounts/a/b c/tune');
});

test('literals behind a rest: what is only the literal, or longer than it, is another route', () => {
  assert.equal(router.match('mounts/tune')?.pattern, 'mounts/:path*');
  assert.equal(router.match('mounts/x/tuned')?.pattern, 'mounts/:path*');
  assert.equal(router.match('mounts/x/tune/y')?.pattern, 'mounts/:path*');
  assert.equal(router.match('mounts/x/tune/')?.pattern, 'mounts/:path*');
  assert.equal(router.match('mounts')?.pattern, 'mounts');
});

test('a rest that may not be empty', () => {
  const router = makeRouter(
    engine('test', '', { 'revoke/:prefix+': { lowerCase: ['prefix'] }, 'lookup/:prefix*': {} }),
  );
  for (const path of ['revoke', 'revoke/']) {
    assert.equal(router.match(path), undefined, path);
    assert.equal(router.match(path, true), undefined, path);
  }
  const match = router.match('revoke/A/b');
  assert.deepEqual(match?.captures, { prefix: 'a/b' });
  assert.equal(canonicalRelative(match!.pattern, match!, 'revoke/A/b'), 'revoke/a/b');
  assert.deepEqual(router.match('revoke/A/', true)?.captures, { prefix: 'a/' });
  for (const path of ['lookup', 'lookup/']) assert.deepEqual(router.match(path)?.captures, { prefix: '' });
});
