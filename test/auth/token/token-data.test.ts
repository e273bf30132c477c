/** @module What lookups show of a token. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenData } from '../../../src/auth/token/token-data.ts';
import type { TokenState } from '../../../src/model/caller.ts';

const MADE_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const state = {
  policies: ['default'],
  path: 'auth/token/create',
  createdAtMs: MADE_MS,
  ttl: 3_600,
  expiresAtMs: MADE_MS + HOUR_MS,
  period: 0,
} as unknown as TokenState;

const ttlAt = (nowMs: number, more: Partial<TokenState> = {}) =>
  tokenData({ ...state, ...more }, 'accessor', 'token', undefined, nowMs).ttl;

test('what is left is counted in whole seconds, and never below none', () => {
  assert.equal(ttlAt(MADE_MS), 3_600);
  assert.equal(ttlAt(MADE_MS + 1), 3_600);
  assert.equal(ttlAt(MADE_MS + 1_000), 3_599);
  assert.equal(ttlAt(MADE_MS + HOUR_MS + 1), 0);
});

test('a node whose time is behind shows no more than was given', () => {
  assert.equal(ttlAt(MADE_MS - 300), 3_600);
  const renewed = { renewedAtMs: MADE_MS + 60_000, expiresAtMs: MADE_MS + 60_000 + HOUR_MS };
  assert.equal(ttlAt(MADE_MS + 59_000, renewed), 3_600);
  assert.equal(ttlAt(MADE_MS + 61_000, renewed), 3_599);
});
