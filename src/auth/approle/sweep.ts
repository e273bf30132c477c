/**
 * What a deleted role leaves behind: its secret ids are good for nothing from the commit on that deletes it, and are removed afterwards, page by
 * page. An actor per deleted role keeps at it, so that a crash in between forgets none.
 *
 * @module
 */
import {
  type ActorId,
  type ActorKind,
  type ActorOperation,
  type Cluster,
  OWN_CLAIMS,
} from '../../model/actor.ts';
import { APPROLE_SWEEP_MS, MINUTE_MS, ROLES_ACTIVE_MAX, SECRET_IDS_AT_ONCE } from '../../model/limits.ts';
import type { Mount } from '../../model/mount.ts';
import { appRole, appRoleId, roleState } from './role.ts';
import { destroySecretId, expireSecretId, type SecretId, secretId } from './secret-ids.ts';

type Place = Pick<Mount, 'namespace' | 'uuid'>;
type State = { readonly role: string; readonly dueMs: number } | undefined;

/** Its name is the generation of the role. */
export const roleSweep: ActorKind<State> = {
  kind: 'approle-sweep',
  activeMax: ROLES_ACTIVE_MAX,
  idleMs: MINUTE_MS,
  mailboxMax: 64,
  decode: (head) => (head === undefined ? undefined : JSON.parse(Buffer.from(head).toString())),
  encode: (state) => (state === undefined ? undefined : Buffer.from(JSON.stringify(state))),
  dueAt: (state) => state?.dueMs,
  async onDue(state, id, cluster) {
    if (state) await sweepRole(cluster, { namespace: id.namespace, uuid: id.mount }, state.role, id.name);
  },
};

const begin: ActorOperation<State, { role: string }, void> = {
  id: 'approle-sweep/begin',
  actor: roleSweep,
  mode: 'change',
  run: (_state, { role }, ctx) => ({
    reply: undefined,
    next: { state: { role, dueMs: ctx.now() + APPROLE_SWEEP_MS } },
  }),
};

const end: ActorOperation<State, undefined, void> = {
  id: 'approle-sweep/end',
  actor: roleSweep,
  mode: 'change',
  run: (state) =>
    state === undefined ? { reply: undefined } : { reply: undefined, next: { state: undefined } },
};

export const SWEEP_SENDS = [begin, end];

const OWN = { claims: OWN_CLAIMS };

function sweepId({ namespace, uuid }: Place, generation: string): ActorId {
  return { kind: roleSweep.kind, namespace, mount: uuid, name: generation };
}

/** To be called before the role is deleted. */
export async function planSweep(
  cluster: Cluster,
  place: Place,
  role: string,
  generation: string,
): Promise<void> {
  await cluster.send(begin, sweepId(place, generation), { role }, OWN);
}

/** Removes the secret ids of a role that is gone; of one that stands it forgets that it was to go. */
export async function sweepRole(
  cluster: Cluster,
  place: Place,
  role: string,
  generation: string,
): Promise<void> {
  const standing = await cluster.send(roleState, appRoleId(place, role), undefined, OWN);
  if (standing?.identity.generation !== generation) await removeAll(cluster, place, generation);
  await cluster.send(end, sweepId(place, generation), undefined, OWN);
}

async function removeAll(cluster: Cluster, place: Place, generation: string): Promise<void> {
  for (;;) {
    const accessors = await cluster.list(secretId.kind, place.namespace, place.uuid, `${generation}/`);
    if (accessors.length === 0) return;
    await sendToAll(cluster, place, generation, accessors, destroySecretId);
  }
}

async function sendToAll<R>(
  cluster: Cluster,
  { namespace, uuid }: Place,
  generation: string,
  accessors: readonly string[],
  op: ActorOperation<SecretId | undefined, undefined, R>,
): Promise<void> {
  for (let at = 0; at < accessors.length; at += SECRET_IDS_AT_ONCE) {
    const some = accessors.slice(at, at + SECRET_IDS_AT_ONCE);
    await Promise.all(
      some.map((accessor) => {
        const id = { kind: secretId.kind, namespace, mount: uuid, name: `${generation}/${accessor}` };
        return cluster.send(op, id, undefined, OWN);
      }),
    );
  }
}

/** Removes what is good for nothing any more: secret ids whose time is over, and those of roles that are gone. */
export async function tidySecretIds(cluster: Cluster, place: Place): Promise<void> {
  const { namespace, uuid } = place;
  // Generations first: of a role that is made after this look, none is taken for left.
  const folders = await cluster.list(secretId.kind, namespace, uuid, '');
  const standing = new Set<string>();
  for (const role of await cluster.list(appRole.kind, namespace, uuid, '')) {
    const state = await cluster.send(roleState, appRoleId(place, role), undefined, OWN);
    if (state) standing.add(state.identity.generation);
  }
  for (const folder of folders) {
    const generation = folder.slice(0, -1);
    if (!standing.has(generation)) await removeAll(cluster, place, generation);
    else {
      const accessors = await cluster.list(secretId.kind, namespace, uuid, folder);
      await sendToAll(cluster, place, generation, accessors, expireSecretId);
    }
  }
}
