/**
 * Tidying: what is good for nothing any more goes now, rather than when its own time or somebody's sweep comes (contract §3).
 *
 * @module
 */
import { operation } from '../../model/engine.ts';
import type { LogicalReply } from '../../model/request.ts';
import type { Tokens } from './tokens.ts';

const STARTED =
  "Tidy operation successfully started. Any information from the operation will be printed to Vault's server logs.";

export function makeTidy(tokens: Pick<Tokens, 'tidy'>) {
  /** Ids of namespaces that are being tidied by this node. */
  const tidying = new Set<string>();
  return operation({
    summary: 'Removes what is left of tokens that are over, in the background.',
    params: {},
    run(_params, { namespace }): LogicalReply {
      if (tidying.has(namespace.id)) return { warnings: ['Tidy operation already in progress.'] };
      tidying.add(namespace.id);
      // What fails is left to the next time: nothing of it is good for anything.
      tokens
        .tidy(namespace.id)
        .catch(() => {})
        .finally(() => tidying.delete(namespace.id));
      return { status: 202, warnings: [STARTED] };
    },
  });
}
