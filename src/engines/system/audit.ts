/**
 * Audit devices: list, enable, disable, and the hash under which a text appears in a device's log (contract §2.9).
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import type { Encodable } from '../../model/json.ts';
import { MOUNT_PATH_BYTES_MAX, MOUNT_RECORD_BYTES_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { AuditDevice } from './audit-core.ts';
import type { SystemCore } from './core.ts';
import { withSlash } from './mount-info.ts';

export function auditRoutes({ audit }: SystemCore): Record<string, Route> {
  return {
    audit: {
      sudo: true,
      read: operation({
        summary: 'Lists the audit devices.',
        params: {},
        run: async () => ({ inject: true, data: listed(await audit.devices()) }),
      }),
    },
    'audit/:path*': {
      deletesWithSlash: true,
      sudo: true,
      update: operation({
        summary: 'Enables an audit device.',
        params: {
          type: p.string('Kind of device: "file", "socket", "syslog" or "http".', { absent: '' }),
          description: p.string('What it is for.', { absent: '' }),
          options: p.kvPairs('Options of the device, such as file_path.'),
          local: p.bool('Kept and shown: nothing is replicated to other clusters.', { absent: false }),
        },
        run: async ({ type, description, options, local }, { captures, claims }) => {
          const device: AuditDevice = {
            path: withSlash(captures.path!),
            type,
            description,
            options: Object.fromEntries(options ?? []),
            local,
          };
          if (type === '') throw badRequest('unknown backend type: ""');
          refuseLarge(device);
          await audit.enable(device, claims);
          return {};
        },
      }),
      delete: operation({
        summary: 'Disables an audit device.',
        params: {},
        run: async (_params, { captures, claims }) => {
          await audit.disable(withSlash(captures.path!), claims);
          return {};
        },
      }),
    },
    'audit-hash/:path*': {
      update: operation({
        summary: 'Hashes a text as an audit device does.',
        params: { input: p.string('The text.', { absent: '' }) },
        run: ({ input }, { captures }) => {
          if (input === '') throw badRequest('the "input" parameter is empty');
          const path = withSlash(captures.path!);
          const hash = audit.hash(path, input);
          if (hash === undefined) throw badRequest(`unknown audit backend "${path}"`);
          return { inject: true, data: { hash } };
        },
      }),
    },
  };
}

function listed(devices: readonly AuditDevice[]): Record<string, Encodable> {
  return Object.fromEntries(devices.map((device) => [device.path, { ...device }]));
}

function refuseLarge(device: AuditDevice): void {
  if (Buffer.byteLength(device.path) > MOUNT_PATH_BYTES_MAX) {
    throw badRequest(`a device's path must not be longer than ${MOUNT_PATH_BYTES_MAX} bytes`);
  }
  if (Buffer.byteLength(JSON.stringify(device)) > MOUNT_RECORD_BYTES_MAX) {
    throw badRequest(`the settings of a device must not exceed ${MOUNT_RECORD_BYTES_MAX} bytes`);
  }
}
