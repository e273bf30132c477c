import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActorContext } from '../../src/model/actor.ts';
import { forgetQuotas } from '../../src/pipeline/quota-scopes.ts';

const NOBODY = undefined as unknown as ActorContext;

test('quotas of what is gone are taken away, those of others stay', () => {
  const quota = (at?: object) => ({ path: 'p', role: '', inheritable: false, at });
  const entries = new Map<string, unknown>([
    ['quota/rate-limit/mount', quota({ mount: 'u1', suffix: '' })],
    ['quota/lease-count/mount', quota({ mount: 'u1', suffix: 'x*' })],
    ['quota/rate-limit/other', quota({ mount: 'u2', suffix: '' })],
    ['quota/rate-limit/namespace', quota({ namespace: 'aaaaaa', suffix: '' })],
    ['quota/rate-limit/all', quota({ namespace: 'root', suffix: '' })],
    ['quota/rate-limit/old', quota()],
    ['quota-config', {}],
    ['cors', {}],
  ]);
  const taken = (gone: object) => Object.keys(forgetQuotas.run(entries, gone, NOBODY).patch ?? {});
  assert.deepEqual(taken({ mount: 'u1' }), ['quota/rate-limit/mount', 'quota/lease-count/mount']);
  assert.deepEqual(taken({ namespace: 'aaaaaa' }), ['quota/rate-limit/namespace']);
  assert.deepEqual(taken({ mount: 'u3' }), []);
});
