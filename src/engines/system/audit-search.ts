/**
 * Entries of the audit log of the node that answers. Ours, not Vault's: `coffer audit search -live` asks for it. A device is named, never a file: what
 * is read is what that device writes.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { AUDIT_SEARCH_ENTRIES, AUDIT_SEARCH_TEXT_CHARS_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { SystemCore } from './core.ts';
import { withSlash } from './mount-info.ts';

const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

export function auditSearchRoutes({ audit }: SystemCore): Record<string, Route> {
  return {
    'audit-search': {
      sudo: true,
      update: operation({
        summary: 'Sends entries of the audit log of this node that fit, one a line, as they are found.',
        params: {
          device: p.string('Path of a device that writes a file; not needed where there is one.', {
            absent: '',
          }),
          since: p.string('From this time on, in RFC 3339.', { absent: '' }),
          until: p.string('Up to this time.', { absent: '' }),
          accessor: p.string('Of a token: in the clear, or as it stands in the log.', { absent: '' }),
          path: p.string('Of the API; * stands for any text.', { absent: '' }),
          entity: p.string('Id of an entity.', { absent: '' }),
          request_id: p.string('Of a request.', { absent: '' }),
          all: p.bool('Checkpoints too, and what else the log says of itself.', { absent: false }),
          follow: p.bool('What is written from now on, instead of what is there.', { absent: false }),
          limit: p.int('Entries at most.', { absent: AUDIT_SEARCH_ENTRIES }),
        },
        async run({ device, since, until, accessor, path, entity, request_id, ...sent }, { stillGood }) {
          for (const text of [device, accessor, path, entity, request_id])
            if (text.length > AUDIT_SEARCH_TEXT_CHARS_MAX) throw badRequest('what is looked for is too long');
          if (sent.limit < 1) throw badRequest('limit must be positive');
          const stream = await audit.search({
            device: device === '' ? '' : withSlash(device),
            filter: {
              sinceMs: timeOf('since', since),
              untilMs: timeOf('until', until),
              accessors: accessor === '' ? undefined : [accessor],
              path: path || undefined,
              entityId: entity || undefined,
              requestId: request_id || undefined,
              withOwnLines: sent.all,
            },
            follow: sent.follow,
            limit: sent.limit,
            stillGood,
          });
          return { stream };
        },
      }),
    },
  };
}

/** ms. @throws CodedError `bad_request` naming the field. */
function timeOf(field: string, text: string): number | undefined {
  if (text === '') return undefined;
  const atMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) throw badRequest(`${field} must be a time such as 2026-11-01T12:00:00Z`);
  return atMs;
}
