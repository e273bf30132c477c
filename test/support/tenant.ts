/**
 * A namespace furnished with one of everything that is served, all of it marked, so that a test can look for the mark elsewhere.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { VAULT_TYPES } from '../../src/engines/system/mount-types.ts';
import { type CallReply, call } from './http.ts';

export interface Tenant {
  /** Ending in `/`; '' for the root namespace. */
  readonly path: string;
  /** In the names of everything that it has. */
  readonly mark: string;
  /** In what it keeps under those names; asked for by no id. */
  readonly kept: string;
  /** What it would be asked for by: tokens, accessors, ids, names, paths. */
  readonly ids: ReadonlyMap<string, string>;
  ask(method: string, path: string, options?: TenantCall): Promise<CallReply>;
}

export interface TenantCall {
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Record<string, string>;
}

/** A client of one namespace. */
export function clientOf(address: string, root: string, namespace: string): Tenant['ask'] {
  return (method, path, { body, token = root, headers } = {}) =>
    call(address, method, `/v1/${path}`, {
      token,
      body,
      headers: { ...headers, 'x-vault-namespace': namespace },
    });
}

/** @param root - a token of the root namespace. */
export async function furnish(address: string, root: string, path: string, mark: string): Promise<Tenant> {
  const ask = clientOf(address, root, path);
  const ids = new Map<string, string>();
  const kept = `kept-${mark.split('-').at(-1)}`;
  const well = async (method: string, where: string, options?: TenantCall) => {
    const reply = await ask(method, where, options);
    assert([200, 204].includes(reply.status), `${method} ${where}: ${reply.text}`);
    return reply.body;
  };

  // Every engine and auth method that there is.
  const description = kept;
  for (const type of VAULT_TYPES) {
    await ask('POST', `sys/mounts/${mark}-${type}`, { body: { type, description } });
    await ask('POST', `sys/auth/${mark}-${type}`, { body: { type, description } });
  }
  await well('POST', `sys/mounts/${mark}-kv2`, { body: { type: 'kv-v2', description } });
  const mounts = await well('GET', 'sys/mounts');
  const auths = await well('GET', 'sys/auth');
  for (const [name, { accessor, uuid }] of Object.entries<Record<string, string>>({
    ...mounts.data,
    ...auths.data,
  })) {
    // One engine's and one method's ids stand for all of them.
    if (!/-(?:kv|approle)\/$/.test(name)) continue;
    ids.set(`mount ${name}`, name.slice(0, -1));
    ids.set(`accessor of ${name}`, accessor!);
    ids.set(`uuid of ${name}`, uuid!);
  }
  ids.set('prefixed mount', `${path}${mark}-kv`);

  await well('PUT', `${mark}-kv/${mark}`, { body: { value: kept } });
  await well('PUT', `${mark}-kv2/data/${mark}`, { body: { data: { value: kept } } });
  await well('PUT', `${mark}-kv2/metadata/${mark}`, { body: { custom_metadata: { value: kept } } });
  await well('PUT', `sys/policies/acl/${mark}`, {
    body: { policy: `path "${kept}" { capabilities = ["read"] }` },
  });
  const policy = `length = 20 rule "charset" { charset = "abc" } # ${kept}`;
  await well('PUT', `sys/policies/password/${mark}`, { body: { policy } });
  await well('POST', `auth/token/roles/${mark}`, { body: { allowed_policies: [mark], path_suffix: kept } });
  ids.set('name', mark);

  const meta = { meta: { value: kept }, display_name: kept, policies: [mark] };
  for (const [kind, more] of Object.entries({ token: {}, 'limited token': { num_uses: 3 } })) {
    const { auth } = await well('POST', 'auth/token/create', { body: { ...meta, ...more } });
    ids.set(kind, auth.client_token);
    ids.set(`accessor of ${kind}`, auth.accessor);
  }
  const leases = await well('LIST', 'sys/leases/lookup/auth/token/create');
  ids.set('lease', `auth/token/create/${leases.data.keys[0]}`);
  const batch = { ...meta, type: 'batch', no_parent: true };
  ids.set('batch token', (await well('POST', 'auth/token/create', { body: batch })).auth.client_token);
  const headers = { 'x-vault-wrap-ttl': '1h' };
  const { wrap_info } = await well('POST', 'sys/wrapping/wrap', { body: { value: kept }, headers });
  ids.set('wrapping token', wrap_info.token);
  ids.set('accessor of wrapping token', wrap_info.accessor);
  const jwt = { ...headers, 'x-vault-wrap-format': 'jwt' };
  ids.set('JWT', (await well('GET', `${mark}-kv/${mark}`, { headers: jwt })).wrap_info.token);

  await well('POST', `auth/${mark}-userpass/users/${mark}`, {
    body: { password: kept, token_policies: [mark] },
  });
  for (let n = 0; n < 5; n++)
    await ask('POST', `auth/${mark}-userpass/login/${mark}-locked`, { body: { password: 'wrong' } });
  ids.set('locked user', `${mark}-locked`);
  const role = `auth/${mark}-approle/role/${mark}`;
  await well('POST', role, { body: { token_policies: [mark] } });
  ids.set('role id', (await well('GET', `${role}/role-id`)).data.role_id);
  const secret = await well('POST', `${role}/secret-id`, {
    body: { metadata: JSON.stringify({ value: kept }) },
  });
  ids.set('secret id', secret.data.secret_id);
  ids.set('accessor of secret id', secret.data.secret_id_accessor);

  const below = await well('POST', `sys/namespaces/${mark}-below`, {
    body: { custom_metadata: { value: kept } },
  });
  ids.set('namespace', `${mark}-below`);
  ids.set('path of namespace', `${path}${mark}-below`);
  ids.set('id of namespace', below.data.id);
  return { path, mark, kept, ids, ask };
}
