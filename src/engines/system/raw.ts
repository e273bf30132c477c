/**
 * The store itself (contract §2.12), where the configuration asks for it: read with `sudo`, in the root namespace. Each record has one actor as
 * its only writer, which holds it in memory and has given copies to other nodes: a record that was changed behind its back would be read here
 * one way and there another, so nothing is written or deleted here.
 *
 * @module
 */
import { operation, type Route } from '../../model/engine.ts';
import { badRequest, CodedError, unsupportedPath } from '../../model/errors.ts';
import { RAW_NAMES_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { SystemCore } from './core.ts';
import type { RawStore } from './node-core.ts';

const READ_ONLY =
  'sys/raw does not write: each record has an owner in the cluster, which would not learn of it. Use the API of what is to be changed';

/** Vault compresses some records; here none is. */
const COMPRESSION = {
  compressed: p.bool('Has no effect: no record is compressed.', { absent: true }),
  compression_type: p.string('Has no effect.'),
};
const ENCODING = { encoding: p.string('"base64", or empty for text.', { absent: '' }) };

export function rawRoutes(core: SystemCore): Record<string, Route> {
  const store = (): RawStore => {
    if (!core.raw) throw unsupportedPath();
    return core.raw;
  };
  const list = operation({
    summary: 'Lists the names of records and folders in the store.',
    params: {},
    run: (_params, { captures: { path = '' } }) => namesBelow(store(), path),
  });
  const refuse = (summary: string, params: typeof ENCODING | Record<string, never>) =>
    operation({
      summary,
      params: { ...params, ...COMPRESSION, value: p.string('Not taken.') },
      run() {
        store();
        throw badRequest(READ_ONLY);
      },
    });
  return {
    raw: { sudo: true, list },
    'raw/:path*': {
      sudo: true,
      list,
      read: operation({
        summary: 'Shows a record of the store, decrypted.',
        params: { ...ENCODING, ...COMPRESSION },
        run: ({ encoding }, { captures: { path = '' } }) => record(store(), path, encoding),
      }),
      update: refuse('Refuses to write a record of the store.', ENCODING),
      delete: refuse('Refuses to delete a record of the store.', {}),
    },
  };
}

async function namesBelow(store: RawStore, path: string): Promise<LogicalReply> {
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`;
  const keys = await store.list(prefix, RAW_NAMES_MAX + 1);
  if (keys.length <= RAW_NAMES_MAX) return { data: { keys } };
  return { data: { keys: keys.slice(0, RAW_NAMES_MAX) }, warnings: [`there are more than ${RAW_NAMES_MAX}`] };
}

async function record(store: RawStore, path: string, encoding: string): Promise<LogicalReply> {
  if (encoding !== '' && encoding !== 'base64') throw badRequest('invalid encoding');
  const value = await store.get(path);
  if (value === undefined) throw new CodedError('not_found');
  if (encoding === 'base64') return { data: { value: Buffer.from(value).toString('base64') } };
  try {
    return { data: { value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value) } };
  } catch {
    throw badRequest('this record is not text: ask with encoding=base64');
  }
}
