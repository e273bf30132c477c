import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActorKind } from '../../src/model/actor.ts';
import type { Engine } from '../../src/model/engine.ts';
import { engine, existence, operation } from '../../src/model/engine.ts';
import { CodedError } from '../../src/model/errors.ts';
import { encodeOrdered } from '../../src/model/json-encoder.ts';
import type { Mount } from '../../src/model/mount.ts';
import { openApiOfEngine, openApiOfMounts } from '../../src/model/openapi.ts';
import * as p from '../../src/model/params.ts';
import { helpReply } from '../../src/pipeline/help.ts';
import { makeRouter } from '../../src/pipeline/router.ts';

const read = operation({
  summary: 'Reads.',
  params: { version: p.int('Which version.', { absent: 0 }) },
  run: () => ({}),
});
const write = operation({
  summary: 'Writes.',
  params: {
    path: p.string('Captured.'),
    data: p.object('The value.', { required: true }),
    tags: p.strings('Tags.'),
    ttl: p.duration('How long.'),
    on: p.bool('On?', { absent: true }),
  },
  existence: existence({ id: 'test', actor: {} as ActorKind<unknown> }),
  run: () => ({}),
});
const plain = operation({ summary: 'Does it.', params: {}, run: () => ({}) });
const KV: Engine = engine('kv', 'Keys and values.', {
  'data/:path*': { read, update: write, patch: write, delete: plain },
  'metadata/:path*': { read: plain, list: plain },
  config: { sudo: true, update: plain },
  'roles/:name': { list: plain },
  health: { open: true, read: plain },
});
const mount = (path: string, table: Mount['class'] = 'secret') => ({ class: table, path }) as Mount;

// biome-ignore lint/suspicious/noExplicitAny: a test looks into a document of every shape.
const parsed = (document: any): any => JSON.parse(encodeOrdered(document));

test('a document of OpenAPI 3.0.2: a path per route and mount, verbs as Vault maps them', () => {
  const document = parsed(openApiOfMounts([{ mount: mount('secret/'), engine: KV }], false));
  assert.equal(document.openapi, '3.0.2');
  assert.equal(document.info.version, '1.19.5');
  assert.deepEqual(Object.keys(document.paths), [
    '/secret/config',
    '/secret/data/{path}',
    '/secret/health',
    '/secret/metadata/{path}',
    '/secret/roles/{name}',
  ]);
  const data = document.paths['/secret/data/{path}'];
  assert.deepEqual(Object.keys(data), [
    'parameters',
    'x-vault-createSupported',
    'get',
    'post',
    'patch',
    'delete',
  ]);
  assert.deepEqual(data.parameters, [
    { name: 'path', in: 'path', schema: { type: 'string' }, required: true },
  ]);
  assert.deepEqual(data.get.parameters, [
    { name: 'version', in: 'query', description: 'Which version.', schema: { type: 'integer' } },
  ]);
  assert.deepEqual(data.get.tags, ['secrets']);
  assert.equal(document.paths['/secret/config']['x-vault-sudo'], true);
  assert.equal(document.paths['/secret/health']['x-vault-unauthenticated'], true);
  assert.equal(document.paths['/secret/roles/{name}'].get.parameters[0].required, true);
  assert.equal('required' in document.paths['/secret/metadata/{path}'].get.parameters[0], false);
});

test('bodies are schemas of their own, without what the path captures', () => {
  const document = parsed(openApiOfMounts([{ mount: mount('secret/'), engine: KV }], false));
  const { $ref } = document.paths['/secret/data/{path}'].post.requestBody.content['application/json'].schema;
  assert.equal($ref, '#/components/schemas/KvUpdateDataPathRequest');
  assert.deepEqual(document.components.schemas.KvUpdateDataPathRequest, {
    type: 'object',
    properties: {
      data: { type: 'object', description: 'The value.' },
      tags: { type: 'array', description: 'Tags.', items: { type: 'string' } },
      ttl: { type: 'string', description: 'How long.', format: 'duration' },
      on: { type: 'boolean', description: 'On?', default: true },
    },
    required: ['data'],
  });
  assert.equal('requestBody' in document.paths['/secret/config'].post, false);
});

test('operation ids are unique, and references lead somewhere, with several mounts of a type', () => {
  const document = parsed(
    openApiOfMounts(
      [mount('a/'), mount('b/c/'), mount('up/', 'auth')].map((each) => ({ mount: each, engine: KV })),
      false,
    ),
  );
  const ids: string[] = [];
  for (const item of Object.values(
    document.paths as Record<string, Record<string, { operationId?: string }>>,
  )) {
    for (const member of Object.values(item)) if (member.operationId) ids.push(member.operationId);
  }
  assert.equal(ids.length, 24);
  assert.equal(new Set(ids).size, ids.length);
  assert('/auth/up/config' in document.paths);
  assert.deepEqual(document.paths['/auth/up/config'].post.tags, ['auth']);
  for (const [, name = ''] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert(document.components.schemas[name], name);
  }
});

test('generic mount paths: mounts are parameters, but those that can be nowhere else', () => {
  const served = [mount('secret/'), mount('up/', 'auth'), mount('cubbyhole/')].map((each) => ({
    mount: each,
    engine: KV,
  }));
  const { paths } = parsed(openApiOfMounts(served, true));
  const item = paths['/{secret_mount_path}/data/{path}'];
  assert.deepEqual(item.parameters[1], {
    name: 'secret_mount_path',
    description: 'Path that the backend was mounted at',
    in: 'path',
    schema: { type: 'string', default: 'secret' },
    required: true,
  });
  assert('/auth/{up_mount_path}/config' in paths);
  assert('/cubbyhole/config' in paths);
});

test('help on a route: request, route, verbs, parameters, and its own document', () => {
  const match = makeRouter(KV).match('data/a/b');
  const reply = helpReply('secret/data/a/b', mount('secret/'), match, KV);
  assert(reply.kind === 'bare');
  const { help, openapi, see_also, ...rest } = parsed(reply.value);
  assert.deepEqual(rest, {});
  assert.equal(see_also, null);
  assert.match(help, /^Request: {8}data\/a\/b\nMatching Route: data\/:path\*\n\n## DESCRIPTION/);
  assert.match(help, /update: Writes\./);
  assert.match(help, / {4}ttl \(duration\)\n {8}How long\./);
  assert.deepEqual(Object.keys(openapi.paths), ['/data/{path}']);
});

test('help on a mount names all its routes; on nothing it is refused', () => {
  const reply = helpReply('secret/', mount('secret/'), makeRouter(KV).match(''), KV);
  assert(reply.kind === 'bare');
  const { help, openapi } = parsed(reply.value);
  for (const pattern of Object.keys(KV.routes)) assert(help.includes(`    ${pattern}\n`), pattern);
  assert.deepEqual(openapi.paths, parsed(openApiOfEngine(KV)).paths);
  assert.throws(
    () => helpReply('secret/nope', mount('secret/'), undefined, KV),
    (error) => error instanceof CodedError && error.code === 'unsupported_path',
  );
});
