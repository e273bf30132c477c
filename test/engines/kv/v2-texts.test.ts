/** Every text, status and warning of KV v2 that clients compare (contract §8; doubtful points asked of OpenBao 2.7.2 and Vault's plugin). */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { kv2, kvKinds } from '../../../src/engines/kv/kv.ts';
import type { Verb } from '../../../src/model/request.ts';
import { type EngineBench, makeEngineBench } from '../../support/engine-bench.ts';

let bench: EngineBench;
beforeEach(() => {
  bench = makeEngineBench(kv2, kvKinds);
});
afterEach(() => bench.stop());

async function refused(verb: Verb, path: string, body: unknown, text: string | RegExp, status = 400) {
  const reply = await bench.call(verb, path, body);
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.body.errors.length, 1);
  if (typeof text === 'string') assert.equal(reply.body.errors[0], text);
  else assert.match(reply.body.errors[0], text);
}

test('data without data', async () => {
  await bench.call('update', 'data/x', { data: {} });
  for (const verb of ['update', 'patch'] as const) {
    await refused(verb, 'data/x', { options: { cas: 1 } }, 'no data provided');
    await refused(verb, 'data/x', undefined, 'no data provided');
    for (const data of ['x', 5, true, [1]]) {
      await refused(
        verb,
        'data/x',
        { data },
        /^Field validation failed: error converting input for field "data"/,
      );
    }
  }
  await refused('patch', 'data/x', { data: null }, 'no data provided');
});

test('check-and-set', async () => {
  const write = (cas: unknown) => bench.call('update', 'data/x', { data: {}, options: { cas } });
  const mismatch = 'check-and-set parameter did not match the current version';
  assert.equal((await write(0)).status, 200);
  assert.equal((await write(1)).status, 200);
  assert.equal((await write('2')).status, 200);
  for (const cas of [0, 2, 4, -1, null, '', true, false]) {
    await refused('update', 'data/x', { data: {}, options: { cas } }, mismatch);
    await refused('patch', 'data/x', { data: {}, options: { cas } }, mismatch);
  }
  for (const cas of ['abc', [], {}]) {
    await refused(
      'update',
      'data/x',
      { data: {}, options: { cas } },
      'error parsing check-and-set parameter',
    );
  }
  for (const cas of ['3.0', '1.5', '1e0']) {
    const body = `{"data":{},"options":{"cas":${cas}}}`;
    await refused('update', 'data/x', body, 'error parsing check-and-set parameter');
  }
  for (const options of [null, {}, []]) {
    assert.equal((await bench.call('update', 'data/x', { data: {}, options })).status, 200);
  }
  await refused('update', 'data/x', { data: {}, options: 'cas' }, /field "options"/);
  await refused('update', 'data/new', { data: {}, options: { cas: 1 } }, mismatch);
});

test('check-and-set where it is required', async () => {
  const required = 'check-and-set parameter required for this call';
  await bench.call('update', 'data/x', { data: {} });
  await bench.call('update', 'config', { cas_required: true });
  await refused('update', 'data/x', { data: {} }, required);
  await refused('patch', 'data/x', { data: {} }, required);
  assert.equal((await bench.call('patch', 'data/x', { data: {}, options: { cas: 1 } })).status, 200);
  assert.equal((await bench.call('delete', 'data/x')).status, 204);
  await bench.call('update', 'config', { cas_required: false });
  await bench.call('update', 'metadata/x', { cas_required: true });
  await refused('update', 'data/x', { data: {} }, required);
  assert.equal((await bench.call('update', 'data/y', { data: {} })).status, 200);
});

test('versions without numbers', async () => {
  for (const body of [{}, undefined, { versions: [] }, { versions: '' }]) {
    await refused('update', 'delete/x', body, 'No version number provided');
    await refused('update', 'undelete/x', body, 'No version number provided');
    await refused('update', 'destroy/x', body, 'no version number provided');
  }
  await refused('update', 'destroy/x', { versions: ['x'] }, /field "versions"/);
});

test('versions of nothing, and numbers that match nothing, are no mistake', async () => {
  await bench.call('update', 'data/x', { data: {} });
  const commits = bench.storage.commits;
  for (const path of ['none', 'x']) {
    for (const what of ['delete', 'undelete', 'destroy']) {
      for (const versions of [[7], [0], [-1], '5,6']) {
        const reply = await bench.call('update', `${what}/${path}`, { versions });
        assert.equal(reply.status, 204, `${what} ${path} ${versions}`);
      }
    }
  }
  assert.equal(bench.storage.commits, commits);
});

test('a patch of what was never there has no body', async () => {
  const missing = await bench.call('patch', 'data/x', { data: { a: 1 } });
  assert.deepEqual([missing.status, missing.text], [404, '']);
  await bench.call('update', 'metadata/x', { max_versions: 2 });
  const empty = await bench.call('patch', 'data/x', { data: { a: 1 } });
  assert.deepEqual([empty.status, empty.text], [404, '']);
  const metadata = await bench.call('patch', 'metadata/none', { max_versions: 1 });
  assert.deepEqual([metadata.status, metadata.text], [404, '']);
});

test('a patch of what is gone shows its metadata, flat', async () => {
  await bench.call('update', 'data/x', { data: { a: 1 } });
  await bench.call('delete', 'data/x');
  const deleted = await bench.call('patch', 'data/x', { data: { a: 1 } });
  assert.equal(deleted.status, 404);
  assert.deepEqual(deleted.body.data, {
    created_time: '2023-11-14T22:13:20Z',
    custom_metadata: null,
    deletion_time: '2023-11-14T22:13:20Z',
    destroyed: false,
    version: 1,
  });
  await bench.call('update', 'destroy/x', { versions: [1] });
  const destroyed = await bench.call('patch', 'data/x', { data: { a: 1 } });
  assert.equal(destroyed.status, 404);
  assert.equal(destroyed.body.data.destroyed, true);
});

test('reading what is gone is 404 with the whole envelope', async () => {
  await bench.call('update', 'data/x', { data: { a: 1 } });
  bench.nowMs += 1_230;
  await bench.call('delete', 'data/x');
  const { status, text } = await bench.call('read', 'data/x');
  assert.equal(status, 404);
  assert.equal(
    text,
    '{"request_id":"request-id","lease_id":"","renewable":false,"lease_duration":0,"data":{"data":null,"metadata":' +
      '{"created_time":"2023-11-14T22:13:20Z","custom_metadata":null,"deletion_time":"2023-11-14T22:13:21.23Z",' +
      '"destroyed":false,"version":1}},"wrap_info":null,"warnings":null,"auth":null,"mount_type":"kv"}\n',
  );
  const subkeys = await bench.call('read', 'subkeys/x');
  assert.equal(subkeys.status, 404);
  assert.equal(subkeys.body.data.subkeys, null);
  assert.equal(subkeys.body.data.metadata.deletion_time, '2023-11-14T22:13:21.23Z');
});

test('reading what was never there is 404 with nothing', async () => {
  await bench.call('update', 'data/x', { data: { a: 1 } });
  for (const path of ['data/none', 'metadata/none', 'subkeys/none']) {
    assert.deepEqual((await bench.call('read', path)).body, { errors: [] }, path);
  }
  for (const version of ['2', '99']) {
    const reply = await bench.call('read', 'data/x', undefined, { query: { version } });
    assert.deepEqual(reply.body, { errors: [] });
  }
  for (const version of ['0', '-1', '1', '']) {
    assert.equal((await bench.call('read', 'data/x', undefined, { query: { version } })).status, 200);
  }
});

const INVALID =
  'Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. ' +
  "If using the Vault CLI, use 'vault kv %' for this operation.";
const ROOT = 'Non-listing operations on the root of a K/V v2 mount are not supported.';

async function warned(verb: Verb, path: string, warning: string) {
  const { status, body } = await bench.call(
    verb,
    path,
    verb === 'update' || verb === 'patch' ? {} : undefined,
  );
  assert.equal(status, 404, `${verb} ${path}`);
  assert.deepEqual(body.warnings, [warning], `${verb} ${path}`);
  assert.equal(body.data, null);
}

test('paths that v2 does not have', async () => {
  const subcommands = { read: 'get', update: 'put', patch: 'patch', delete: 'delete', list: 'list' } as const;
  for (const [verb, subcommand] of Object.entries(subcommands) as [Verb, string][]) {
    for (const path of ['foo', 'foo/bar', 'config/x', 'datax']) {
      await warned(verb, path, INVALID.replace('%', subcommand));
    }
  }
  for (const verb of ['read', 'update', 'patch', 'delete'] as const) {
    for (const path of ['subkeys', 'detailed-metadata']) {
      await warned(verb, path, INVALID.replace('%', subcommands[verb]));
    }
  }
  await warned('list', 'data', INVALID.replace('%', 'list'));
  await warned('list', 'data/x', INVALID.replace('%', 'list'));
  await warned('list', 'config', INVALID.replace('%', 'list'));
  await warned('read', 'config/', INVALID.replace('%', 'get'));
  await warned('read', 'data/', INVALID.replace('%', 'get'));
  await warned('delete', 'data/', INVALID.replace('%', 'delete'));
  await warned('read', 'data/x/', INVALID.replace('%', 'get'));
  await warned('delete', 'data/x/', INVALID.replace('%', 'delete'));
});

test('the roots of what v2 has', async () => {
  for (const path of ['data', 'metadata', 'delete', 'undelete', 'destroy']) {
    for (const verb of ['read', 'update', 'patch', 'delete'] as const) await warned(verb, path, ROOT);
  }
});

test('those roots with a slash are no roots', async () => {
  for (const path of ['metadata/', 'subkeys/']) {
    assert.deepEqual((await bench.call('read', path)).body, { errors: [] }, path);
  }
  assert.equal((await bench.call('delete', 'metadata/')).status, 400);
  for (const path of ['delete/', 'undelete/', 'destroy/', 'detailed-metadata/']) {
    assert.equal((await bench.call('read', path)).status, 405, path);
    assert.deepEqual((await bench.call('update', path, {})).body.errors, [
      "cannot write to a path ending in '/'",
    ]);
  }
});

test('verbs that a path does not have', async () => {
  const none: [Verb, string][] = [
    ['read', 'delete/x'],
    ['delete', 'undelete/x'],
    ['list', 'destroy/x'],
    ['update', 'subkeys/x'],
    ['delete', 'config'],
    ['patch', 'config'],
    ['read', 'detailed-metadata/x'],
  ];
  for (const [verb, path] of none)
    assert.equal((await bench.call(verb, path)).status, 405, `${verb} ${path}`);
});

test('a secret whose cas_required the mount overrules', async () => {
  await bench.call('update', 'config', { cas_required: true });
  const warning =
    '"cas_required" set to false, but is mandated by backend config. This value will be ignored.';
  for (const verb of ['update', 'patch'] as const) {
    const { status, body } = await bench.call(verb, 'metadata/x', { cas_required: false });
    assert.equal(status, 200);
    assert.deepEqual(body.warnings, [warning]);
    assert.equal(body.data, null);
  }
  assert.deepEqual((await bench.call('patch', 'metadata/x', { cas_required: null })).body.warnings, [
    warning,
  ]);
  assert.equal((await bench.call('update', 'metadata/x', { cas_required: true })).status, 204);
  assert.equal((await bench.call('update', 'metadata/x', { max_versions: 1 })).status, 204);
});

test('fields that v2 does not have are told of, where there is a body', async () => {
  const { body } = await bench.call('update', 'data/x', { data: {}, b: 1, a: 2 });
  assert.deepEqual(body.warnings, ['Endpoint ignored these unrecognized parameters: [a b]']);
});
