/**
 * Which web pages of other origins browsers may let speak to this cluster (contract §2.12). Obeyed by `http/cors.ts`.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest, multiError } from '../../model/errors.ts';
import * as p from '../../model/params.ts';
import { CORS, type CorsSetting } from '../../model/settings.ts';
import type { SystemCore } from './core.ts';

/** Headers that are always allowed, as in Vault. */
const STANDARD_HEADERS = [
  'Content-Type',
  'Authorization',
  'X-Vault-Token',
  'X-Vault-MFA',
  'X-Vault-No-Request-Forwarding',
  'X-Vault-Wrap-Format',
  'X-Vault-Wrap-TTL',
  'X-Requested-With',
  'X-Vault-AWS-IAM-Server-ID',
  'X-Vault-Policy-Override',
  'X-Vault-Namespace',
];
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export function corsRoutes({ settings }: SystemCore): Record<string, Route> {
  return {
    'config/cors': {
      sudo: true,
      read: operation({
        summary: 'Shows which origins and headers are allowed.',
        params: {},
        run: async () => {
          const setting = (await settings.current(CORS)) as CorsSetting | undefined;
          return { inject: true, data: { enabled: setting !== undefined, ...setting } };
        },
      }),
      update: operation({
        summary: 'Allows web pages of these origins.',
        params: {
          enable: p.bool('Kept for old clients: origins that are given are allowed.'),
          allowed_origins: p.commaStrings('Such as https://example.com; "*" alone for any.', { absent: [] }),
          allowed_headers: p.commaStrings('Headers that requests may have, besides those of Vault.', {
            absent: [],
          }),
        },
        run: async ({ allowed_origins, allowed_headers }, { claims }) => {
          const origins = allowed_origins.filter((origin) => origin !== '');
          if (origins.length === 0)
            throw badRequest(multiError(['at least one origin or the wildcard must be provided']));
          if (origins.length > 1 && origins.includes('*'))
            throw badRequest(
              multiError(["to allow all origins the '*' must be the only value for allowed_origins"]),
            );
          const more = allowed_headers.filter((header) => header !== '');
          if (!more.every((header) => HEADER.test(header)))
            throw badRequest('allowed_headers: expected names of headers');
          const headers = [...STANDARD_HEADERS, ...more];
          const setting: CorsSetting = { allowed_origins: origins, allowed_headers: headers };
          await settings.put(CORS, setting, claims);
          return {};
        },
      }),
      delete: operation({
        summary: 'Allows no other origin any more.',
        params: {},
        run: async (_params, { claims }) => {
          await settings.remove(CORS, claims);
          return {};
        },
      }),
    },
  };
}
