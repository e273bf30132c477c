/**
 * What v2 answers on paths that v1's clients would use: 404, with a hint in a warning (contract §8, "anything else under mount").
 *
 * @module
 */
import { operation } from '../../model/engine.ts';
import type { LogicalReply, Verb } from '../../model/request.ts';

/** Vault's command line calls the verbs so. */
const SUBCOMMANDS: Partial<Record<Verb, string>> = {
  read: 'get',
  header: 'get',
  update: 'put',
  patch: 'patch',
  list: 'list',
  delete: 'delete',
};

export function invalidPath(verb: Verb): LogicalReply {
  const hint =
    'Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. ' +
    `If using the Vault CLI, use 'vault kv ${SUBCOMMANDS[verb] ?? ''}' for this operation.`;
  return { status: 404, warnings: [hint] };
}

/** Any verb on any path that v2 does not have. */
export const onInvalidPath = operation({
  summary: 'Not a path of a versioned mount; says which is.',
  params: {},
  wholeBody: true,
  run: (_params, { request }) => invalidPath(request.verb),
});

/** No secret has this name: paths of secrets end in something. */
export function isNoName(name: string): boolean {
  return name === '' || name.endsWith('/');
}

/** Bare `data`, `metadata`, `delete`, `undelete`, `destroy`. */
export const onRoot = operation({
  summary: 'Not a secret, but where secrets lie.',
  params: {},
  wholeBody: true,
  run: (): LogicalReply => ({
    status: 404,
    warnings: ['Non-listing operations on the root of a K/V v2 mount are not supported.'],
  }),
});
