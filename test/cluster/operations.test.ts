/** @module */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeTokenAuth } from '../../src/auth/token/routes.ts';
import { makeTokenActor } from '../../src/auth/token/token-actor.ts';
import { makeWrappingOperations } from '../../src/auth/token/wrapping-operations.ts';
import { makeOperations } from '../../src/cluster/operations.ts';
import { cubbyhole } from '../../src/engines/cubbyhole/cubbyhole.ts';
import { kv1, kv2 } from '../../src/engines/kv/kv.ts';
import { actorOperationsOf } from '../../src/model/engine.ts';

const tokenActor = makeTokenActor(async () => {});
const all = [
  ...[kv1, kv2, cubbyhole, makeTokenAuth({} as never)].flatMap(actorOperationsOf),
  ...tokenActor.sends,
  ...makeWrappingOperations(tokenActor.kind).sends,
];

test('every operation that an engine or a token sends is found by its id', () => {
  const operations = makeOperations(all);
  const sources = ['src/engines/kv', 'src/engines/cubbyhole', 'src/auth/token'].flatMap((folder) =>
    readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8')),
  );
  const ids = sources.flatMap((text) => [...text.matchAll(/^\s+id: '([\w./-]+)',$/gm)].map(([, id]) => id!));
  assert(ids.length > 30, `${ids.length} ids`);
  for (const id of ids) assert.equal(operations.get(id)?.id, id, `${id} cannot be sent to another node`);
});

test('two of one name are refused, the same one twice is not', () => {
  const [one] = all;
  makeOperations([one!, one!]);
  assert.throws(() => makeOperations([one!, { ...one! }]), /two operations are called/);
});
