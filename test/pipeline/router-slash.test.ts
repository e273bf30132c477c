/** Two spellings of a path never reach one object (contract §1.1, Spelling): a slash at the end makes another path, but for lists. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engine, operation } from '../../src/model/engine.ts';
import { makeRouter } from '../../src/pipeline/router.ts';

const any = operation({ summary: '', params: {}, run: () => ({}) });
const route = { read: any, list: any };
const { match } = makeRouter(
  engine('t', '', { '': route, config: route, 'roles/:name': route, 'data/:path*': route }),
);
const patternOf = (path: string, isList: boolean) => match(path, isList)?.pattern;

test('other verbs reach only the exact path', () => {
  assert.equal(patternOf('config', false), 'config');
  assert.equal(patternOf('roles/a', false), 'roles/:name');
  assert.equal(patternOf('', false), '');
  for (const path of ['config/', 'roles/a/', 'roles/', '/'])
    assert.equal(patternOf(path, false), undefined, path);
});

test('a list has its slash', () => {
  assert.equal(patternOf('config/', true), 'config');
  assert.equal(patternOf('roles/a/', true), 'roles/:name');
});

test('a rest keeps the slash, and so names another object', () => {
  assert.equal(match('data/a', false)?.captures.path, 'a');
  assert.equal(match('data/a/', false)?.captures.path, 'a/');
});
