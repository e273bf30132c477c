/**
 * Settings of a role, one by one, each at a path of its own (contract §4.2).
 *
 * @module
 */
import { operation, type Route, reading } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import type { LogicalReply } from '../../model/request.ts';
import { blocksOf } from './networks.ts';
import { type AppRole, appRole, ROLE_PARAMS, type RoleSetting, type SentToRole } from './role.ts';
import { type MaxTtlOf, NAMED, sendChange } from './role-routes.ts';

interface Field {
  /** The role's own name of it. */
  readonly setting: RoleSetting;
  /** What may be sent; the first goes before the others. */
  readonly params: readonly (keyof typeof ROLE_PARAMS)[];
  /** Named where nothing was sent. Absent: then nothing is changed. */
  readonly missing?: string;
  show(role: AppRole): { [key: string]: Encodable };
  readonly warning?: string;
  readonly conflict?: string | undefined;
  refuse?(sent: SentToRole): string | undefined;
}

const orNull = (list: readonly string[]): Encodable => (list.length === 0 ? null : list);

/** What is sent under an older name is shown under it too. */
const withOlder = (role: AppRole, name: 'token_policies' | 'token_period', older: 'policies' | 'period') => {
  const value = role.fields[name];
  return { [name]: value, ...(role.fields.older.includes(older) && { [older]: value }) };
};

const own = (name: 'bind_secret_id' | 'secret_id_num_uses' | 'secret_id_ttl'): Field => ({
  setting: name,
  params: [name],
  missing: name,
  show: (role) => ({ [name]: role[name] }),
});

const ofTokens = (name: 'token_ttl' | 'token_max_ttl' | 'token_num_uses', conflict?: string): Field => ({
  conflict,
  setting: name,
  params: [name],
  missing: name,
  show: (role) => ({ [name]: role.fields[name] }),
});

function refuseBlocks({ secret_id_bound_cidrs, bound_cidr_list }: SentToRole): string | undefined {
  const blocks = secret_id_bound_cidrs ?? bound_cidr_list;
  if (blocks?.length === 0) return 'missing bound_cidr_list';
  try {
    blocksOf(blocks ?? []);
    return undefined;
  } catch {
    return 'failed to validate CIDR blocks';
  }
}

const FIELDS: Record<string, Field> = {
  policies: {
    setting: 'token_policies',
    params: ['token_policies', 'policies'],
    missing: 'token_policies',
    show: (role) => withOlder(role, 'token_policies', 'policies'),
  },
  period: {
    setting: 'token_period',
    params: ['token_period', 'period'],
    missing: 'period',
    show: (role) => withOlder(role, 'token_period', 'period'),
  },
  'bind-secret-id': own('bind_secret_id'),
  'secret-id-num-uses': own('secret_id_num_uses'),
  'secret-id-ttl': own('secret_id_ttl'),
  'secret-id-bound-cidrs': {
    setting: 'secret_id_bound_cidrs',
    params: ['secret_id_bound_cidrs'],
    show: (role) => ({ secret_id_bound_cidrs: orNull(role.secret_id_bound_cidrs) }),
    refuse: refuseBlocks,
  },
  'bound-cidr-list': {
    setting: 'secret_id_bound_cidrs',
    params: ['bound_cidr_list'],
    // As in Vault: what is set by the older name is kept, and shown, under the newer one.
    show: () => ({ bound_cidr_list: null }),
    warning:
      'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.',
    refuse: refuseBlocks,
  },
  'token-bound-cidrs': {
    setting: 'token_bound_cidrs',
    params: ['token_bound_cidrs'],
    show: (role) => ({ token_bound_cidrs: orNull(role.fields.token_bound_cidrs) }),
  },
  'token-num-uses': ofTokens('token_num_uses'),
  'token-ttl': ofTokens('token_ttl', 'token_ttl should not be greater than token_max_ttl'),
  'token-max-ttl': ofTokens('token_max_ttl', 'token_max_ttl should be greater than or equal to token_ttl'),
};

export function roleFieldRoutes(maxTtlOf: MaxTtlOf): Record<string, Route> {
  const routes = Object.entries(FIELDS).map(([name, field]) => [
    `role/:role_name/${name}`,
    { ...NAMED, ...operationsOf(name, field, maxTtlOf) },
  ]);
  const localSecretIds = reading({
    id: 'approle-role/read-local-secret-ids',
    actor: appRole,
    summary: 'Shows whether secret ids are local to a cluster.',
    params: {},
    run: (role) => (role === undefined ? {} : { data: { local_secret_ids: role.local_secret_ids } }),
  });
  return {
    ...Object.fromEntries(routes),
    'role/:role_name/local-secret-ids': { ...NAMED, read: localSecretIds },
  };
}

function operationsOf(name: string, field: Field, maxTtlOf: MaxTtlOf): Route {
  const params = Object.fromEntries(field.params.map((param) => [param, ROLE_PARAMS[param]]));
  const what = field.setting.replaceAll('_', ' ');

  const read = reading({
    id: `approle-role/read-${name}`,
    actor: appRole,
    summary: `Shows the ${what} of a role.`,
    params: {},
    run: (role): LogicalReply =>
      role === undefined
        ? {}
        : { data: field.show(role), ...(field.warning !== undefined && { warnings: [field.warning] }) },
  });

  const update = operation({
    summary: `Sets the ${what} of a role.`,
    params,
    async run(given, ctx): Promise<LogicalReply> {
      const sent = given as SentToRole;
      const isSent = Object.values(sent).some((value) => value !== undefined);
      const refusal = field.refuse?.(sent);
      if (refusal !== undefined) throw badRequest(refusal);
      const needs = isSent ? undefined : field.missing;
      await sendChange(ctx, { sent, needs, conflict: field.conflict, maxTtl: maxTtlOf(ctx.mount) });
      return {};
    },
  });

  const remove = operation({
    summary: `Puts the ${what} of a role back to what a new one has.`,
    params: {},
    async run(_params, ctx): Promise<LogicalReply> {
      await sendChange(ctx, { sent: {}, reset: [field.setting], maxTtl: maxTtlOf(ctx.mount) });
      return {};
    },
  });

  return { read, update, delete: remove };
}
