/**
 * Policies, in both of their places: `policy` as of old, `policies/acl` (contract §2.5). The route table lower-cases their names.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { POLICY_NAME_BYTES_MAX } from '../../model/limits.ts';
import { type Namespace, ROOT_NAMESPACE } from '../../model/namespace.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { PolicyStore, SystemCore } from './core.ts';
import { policyText } from './policy-text.ts';

/** Grants all; has no text. */
const ROOT = 'root';
/** These can be neither written nor removed. */
const IMMUTABLE = [ROOT, 'response-wrapping'];

const POLICY = p.string('The policy in HCL or JSON, as text or in base64.', { absent: '' });

export function policyRoutes({ policies }: SystemCore): Record<string, Route> {
  const list = operation({
    summary: 'Lists the policies.',
    params: {},
    run: async (_params, { namespace }) => {
      const keys = await names(policies(namespace.id), namespace);
      return { inject: true, data: { keys, policies: keys } };
    },
  });
  const remove = operation({
    summary: 'Removes a policy.',
    params: {},
    run: (_params, ctx) => removePolicy(policies(ctx.namespace.id), ctx),
  });
  return {
    policy: { read: list, list },
    'policy/:name+': {
      lowerCase: ['name'],
      read: operation({
        summary: 'Shows a policy.',
        params: {},
        run: async (_params, { captures, namespace }) => {
          const text = await textOf(policies(namespace.id), captures.name!);
          return text === undefined ? {} : { inject: true, data: { name: captures.name!, rules: text } };
        },
      }),
      update: operation({
        summary: 'Writes a policy.',
        params: { policy: POLICY, rules: p.string('Older name of policy.', { absent: '' }) },
        run: async (params, ctx) => {
          if (params.policy !== '' || params.rules === '')
            return putPolicy(policies(ctx.namespace.id), params.policy, ctx);
          await putPolicy(policies(ctx.namespace.id), params.rules, ctx);
          return { warnings: ["'rules' is deprecated, please use 'policy' instead"] };
        },
      }),
      delete: remove,
    },
    'policies/acl': {
      list: operation({
        summary: 'Lists the ACL policies.',
        params: {},
        run: async (_params, { namespace }) => ({
          data: { keys: await names(policies(namespace.id), namespace) },
        }),
      }),
    },
    'policies/detailed/acl': {
      list: operation({
        summary: 'Lists the ACL policies with their texts.',
        params: {},
        run: async (_params, { namespace }) => {
          const store = policies(namespace.id);
          const keys = await names(store, namespace);
          // One that went meanwhile is not shown.
          const shown = new Map<string, Encodable>();
          for (const name of keys) {
            const text = await textOf(store, name);
            if (text !== undefined) shown.set(name, { name, policy: text });
          }
          return { data: { keys: [...shown.keys()], key_info: shown } };
        },
      }),
    },
    'policies/acl/:name+': {
      lowerCase: ['name'],
      read: operation({
        summary: 'Shows an ACL policy.',
        params: {},
        run: async (_params, { captures, namespace }) => {
          const text = await textOf(policies(namespace.id), captures.name!);
          return text === undefined ? {} : { data: { name: captures.name!, policy: text } };
        },
      }),
      update: operation({
        summary: 'Writes an ACL policy.',
        params: { policy: POLICY },
        run: ({ policy }, ctx) => putPolicy(policies(ctx.namespace.id), policy, ctx),
      }),
      delete: remove,
    },
  };
}

/** `root` is shown in the root namespace alone, as Vault does, though every namespace has its own. */
async function names(policies: PolicyStore, namespace: Namespace): Promise<string[]> {
  const written = await policies.names();
  return namespace === ROOT_NAMESPACE ? [...written, ROOT] : [...written];
}

async function textOf(policies: PolicyStore, name: string): Promise<string | undefined> {
  return name === ROOT ? '' : policies.text(name);
}

async function putPolicy(
  policies: PolicyStore,
  sent: string,
  { captures, claims }: RouteContext,
): Promise<LogicalReply> {
  const name = reserved(captures.name!, 'update');
  if (sent === '') throw badRequest("'policy' parameter not supplied or empty");
  if (Buffer.byteLength(name) > POLICY_NAME_BYTES_MAX) {
    throw badRequest(`a policy's name must not be longer than ${POLICY_NAME_BYTES_MAX} bytes`);
  }
  await policies.put(name, policyText(sent), claims);
  return {};
}

async function removePolicy(
  policies: PolicyStore,
  { captures, claims }: RouteContext,
): Promise<LogicalReply> {
  const name = reserved(captures.name!, 'delete');
  if (name === 'default') throw badRequest('cannot delete default policy');
  await policies.remove(name, claims);
  return {};
}

/** Compared in the one spelling under which policies are kept. */
function reserved(name: string, verb: 'update' | 'delete'): string {
  const clean = name.trim().toLowerCase();
  if (IMMUTABLE.includes(clean)) throw badRequest(`cannot ${verb} "${clean}" policy`);
  return name;
}
