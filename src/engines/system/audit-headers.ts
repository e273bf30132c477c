/**
 * Which request headers stand in audit logs, and which of them hashed (contract §2.9). Obeyed by `pipeline/audit-headers.ts`.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { AUDIT_HEADERS_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import { AUDIT_HEADER, USUAL_AUDIT_HEADERS } from '../../model/settings.ts';
import type { SystemCore } from './core.ts';

type Setting = { readonly hmac: boolean };

const NAME_BYTES_MAX = 128;
/** They never get as far as the log; the token stands there of itself, hashed. */
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization', 'x-vault-token'];

export function auditHeaderRoutes({ settings }: SystemCore): Record<string, Route> {
  async function headers(): Promise<ReadonlyMap<string, Setting>> {
    const own = (await settings.all(AUDIT_HEADER)) as ReadonlyMap<string, Setting>;
    const usual = USUAL_AUDIT_HEADERS.map((name): [string, Setting] => [name, { hmac: false }]);
    return new Map([...usual, ...own]);
  }

  return {
    'config/auditing/request-headers': {
      sudo: true,
      read: operation({
        summary: 'Shows which request headers stand in audit logs.',
        params: {},
        run: async () => ({ inject: true, data: { headers: Object.fromEntries(await headers()) } }),
      }),
    },
    'config/auditing/request-headers/:header': {
      sudo: true,
      read: operation({
        summary: 'Shows whether a request header is hashed in audit logs.',
        params: {},
        run: async (_params, ctx) => {
          const found = (await headers()).get(nameOf(ctx));
          if (!found) throw badRequest('Could not find header in config');
          return { inject: true, data: { [ctx.captures.header!]: { ...found } } };
        },
      }),
      update: operation({
        summary: 'Lets audit logs have a request header.',
        params: { hmac: p.bool('Hash its values.', { absent: false }) },
        run: async ({ hmac }, ctx) => {
          const name = nameOf(ctx);
          if (name.length > NAME_BYTES_MAX) throw badRequest("the header's name is too long");
          if (CREDENTIALS.includes(name)) throw badRequest('this header is a credential: it is never logged');
          const own = await settings.names(AUDIT_HEADER);
          if (!own.includes(name) && own.length >= AUDIT_HEADERS_MAX)
            throw badRequest(`there may be ${AUDIT_HEADERS_MAX} headers`);
          await settings.put(AUDIT_HEADER + name, { hmac }, ctx.claims);
          return {};
        },
      }),
      delete: operation({
        summary: 'Takes a request header out of audit logs. The usual ones stay, as they are sent.',
        params: {},
        run: async (_params, ctx) => {
          await settings.remove(AUDIT_HEADER + nameOf(ctx), ctx.claims);
          return {};
        },
      }),
    },
  };
}

function nameOf({ captures }: RouteContext): string {
  return captures.header!.toLowerCase();
}
