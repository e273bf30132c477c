/**
 * The cubbyhole: values that belong to one token and go when it goes (contract §6).
 *
 * A value's actor is named `<accessor>/<path>`: nobody else's token leads there, and the accessor is no secret.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { type ActorKind, type ActorOperation, type Cluster, OWN_CLAIMS } from '../../model/actor.ts';
import type { Caller } from '../../model/caller.ts';
import { changing, engine, operation, reading } from '../../model/engine.ts';
import { badRequest, denied } from '../../model/errors.ts';
import { RawJson } from '../../model/json.ts';
import { KV_SENT_AT_ONCE, SWEEP_PAGE } from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import { namespaceIdOf } from '../../model/namespace.ts';
import { VALUE_BOUNDS } from '../kv/kinds.ts';
import { asFolder, LIST_PARAMS, namesBelow } from '../kv/list.ts';
import { decodeValue, deleteValue, encodeValue, textOf, type Value, writeValue } from '../kv/value.ts';

/** One value of one token. */
export const cubbyholeValue: ActorKind<Value | undefined> = {
  kind: 'cubbyhole',
  ...VALUE_BOUNDS,
  decode: (head) => head && decodeValue(head),
  encode: (value) => value && encodeValue(value),
  // Of a token that came into a namespace below its own: nobody else knows where that was.
  indexes(value, { namespace, name }) {
    const accessor = name.slice(0, name.indexOf('/'));
    if (!value || namespaceIdOf(accessor) === namespace) return [];
    const tag = hash('sha256', name, 'base64url').slice(0, TAG_CHARS);
    return [{ index: AWAY, group: accessor, entry: `${namespace}/${tag}` }];
  },
};

/** Index of the values that tokens keep in other namespaces than their own. */
const AWAY = 'cubbyhole-away';
/** Of a hash that tells values apart: 132 bits. */
const TAG_CHARS = 22;

/** @throws CodedError for tokens that have no cubbyhole. */
function accessorOf(caller: Caller | undefined): string {
  if (!caller) throw denied();
  // Batch tokens have no accessor, and nothing that could be wiped.
  if (caller.state.type === 'batch') {
    throw badRequest("cubbyhole operations are only supported by 'service' type tokens");
  }
  return caller.accessor;
}

const actorName = (captures: Readonly<Record<string, string>>, caller: Caller | undefined): string =>
  `${accessorOf(caller)}/${captures.path}`;

/** The name of nothing: `<accessor>/`. */
function checkNamed(name: string): void {
  if (name.endsWith('/')) throw badRequest('missing path');
}

const readValue = reading({
  id: 'cubbyhole.read',
  actor: cubbyholeValue,
  actorName,
  summary: "Reads a value of the token's own.",
  params: {},
  wholeBody: true,
  run(value, _params, ctx) {
    checkNamed(ctx.id.name);
    if (!value) return {};
    const text = textOf(value, ctx);
    return typeof text === 'string'
      ? { data: new RawJson(text) }
      : text.then((t) => ({ data: new RawJson(t) }));
  },
});

const write = changing({
  id: 'cubbyhole.write',
  actor: cubbyholeValue,
  actorName,
  summary: "Writes a value of the token's own: all of the body is the value.",
  params: {},
  wholeBody: true,
  exists: (value) => value !== undefined,
  run(value, _params, ctx, sent) {
    checkNamed(ctx.id.name);
    return writeValue(value, sent, undefined, ctx);
  },
});

const remove = changing({
  id: 'cubbyhole.delete',
  actor: cubbyholeValue,
  actorName,
  summary: "Deletes a value of the token's own.",
  params: {},
  run: (value) => deleteValue(value),
});

const list = operation({
  summary: "Lists the token's own names below a path.",
  params: LIST_PARAMS,
  async run(page, ctx) {
    const folder = asFolder(`${accessorOf(ctx.caller)}/${ctx.captures.path}`);
    return { data: { keys: await namesBelow(cubbyholeValue.kind, folder, page, ctx) } };
  },
});

const wipe: ActorOperation<Value | undefined, undefined, void> = {
  id: 'cubbyhole.wipe',
  actor: cubbyholeValue,
  mode: 'change',
  run: (value) => ({ ...deleteValue(value), reply: undefined }),
};

export const cubbyhole = engine(
  'cubbyhole',
  'per-token private secret storage',
  {
    ':path*': { read: readValue, update: write, delete: remove, list },
  },
  [wipe],
);

/**
 * Deletes all that a token kept in its cubbyhole, folder by folder. Safe to repeat. The token must be dead already: what is written
 * meanwhile may stay.
 * @param mountOf - the cubbyhole of a namespace.
 * @param wasAway - may it have been in another namespace than its own?
 */
export async function wipeCubbyhole(
  cluster: Pick<Cluster, 'send' | 'list' | 'index'>,
  mountOf: (namespaceId: string) => Pick<Mount, 'namespace' | 'uuid'> | undefined,
  accessor: string,
  wasAway: boolean,
): Promise<void> {
  const home = mountOf(namespaceIdOf(accessor));
  if (home) await wipeIn(cluster, home, accessor);
  if (!wasAway) return;
  const wiped = new Set<string>();
  for (;;) {
    const entries = await cluster.index(AWAY, accessor, SWEEP_PAGE);
    const ids = new Set(entries.map((entry) => entry.slice(0, entry.indexOf('/'))));
    // Of a namespace that is gone the values went with it, and entries stay.
    const left = [...ids].filter((id) => !wiped.has(id));
    if (left.length === 0) return;
    for (const id of left) {
      const mount = mountOf(id);
      if (mount) await wipeIn(cluster, mount, accessor);
      wiped.add(id);
    }
  }
}

async function wipeIn(
  cluster: Pick<Cluster, 'send' | 'list'>,
  mount: Pick<Mount, 'namespace' | 'uuid'>,
  accessor: string,
): Promise<void> {
  const { kind } = cubbyholeValue;
  const place = { kind, namespace: mount.namespace, mount: mount.uuid };
  const folders = [`${accessor}/`];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = (await cluster.list(kind, mount.namespace, mount.uuid, folder)).map(
      (name) => folder + name,
    );
    const values = names.filter((name) => !name.endsWith('/'));
    for (let at = 0; at < values.length; at += KV_SENT_AT_ONCE) {
      const some = values.slice(at, at + KV_SENT_AT_ONCE);
      const options = { claims: OWN_CLAIMS };
      await Promise.all(some.map((name) => cluster.send(wipe, { ...place, name }, undefined, options)));
    }
    for (const name of names) if (name.endsWith('/')) folders.push(name);
  }
}
