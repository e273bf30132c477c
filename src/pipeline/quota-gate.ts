/**
 * Rate-limit quotas in a request's way. One that brings a body is counted before that is read: what is over the limit must not cost what reading and
 * parsing costs, and what cannot be parsed must not be free (CVE-2025-12044).
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import type { Reply, Request } from '../model/request.ts';
import { resolveRequest } from './home.ts';
import type { Quotas } from './quotas.ts';
import type { Resolved, Resolver } from './resolve.ts';

export interface QuotaGateParts {
  readonly quotas: Quotas;
  readonly resolver: Resolver;
  /** As which role of its auth method a request asks to be let in. */
  roleOf?(request: Request, resolved: Resolved): Promise<string | undefined>;
  /** Answers a request that is over the limit. @param isTold - to the audit devices, too. */
  refuse(request: Request, resolved: Resolved, refusal: CodedError, isTold: boolean): Promise<Reply>;
}

type Headers = Readonly<Record<string, string>>;

export interface QuotaGate {
  /** To be asked before the body is read. Undefined: nothing refuses it, or only its body can tell. */
  refusal(request: Request): Promise<Reply | undefined> | undefined;
  /** `admitted`, if the quotas let it, and what the client is told of them. Counts what `refusal` has not. */
  pass(request: Request, admitted: () => Promise<Reply>): Promise<Reply>;
}

export function makeQuotaGate({ quotas, resolver, roleOf, refuse }: QuotaGateParts): QuotaGate {
  /** Those that are counted, and what their clients are told. */
  const counted = new WeakMap<Request, Headers>();

  function askedBy(resolved: Resolved) {
    const { namespace, path } = resolved;
    return namespace && { resolved, asked: { namespacePath: namespace.path, path } };
  }

  function asAsked({ path, verb, namespace }: Request) {
    return askedBy(resolver.resolve(path.text, verb === 'list', namespace));
  }

  /** Where an id in its body leads, if that is another namespace: there it counts, too. */
  function elsewhere(request: Request) {
    const there = resolveRequest(resolver, request);
    return there.namespace?.id === asAsked(request)?.resolved.namespace?.id ? undefined : askedBy(there);
  }

  /** The refusal; undefined: it was counted, and may go on. */
  async function count(request: Request, found: ReturnType<typeof asAsked>): Promise<Reply | undefined> {
    const { resolved, asked } = found ?? {};
    const role = resolved && roleOf && (() => roleOf(request, resolved));
    const taken = asked && (await quotas.take(request, asked, role));
    if (resolved && taken?.allowed === false) {
      const text = `request path "${request.path.text}": rate limit quota exceeded`;
      const reply = await refuse(request, resolved, new CodedError('rate_limited', text), taken.audited);
      return { ...reply, more: taken.headers };
    }
    counted.set(request, taken?.headers ?? {});
    return undefined;
  }

  return {
    refusal(request) {
      if (!quotas.isOn()) return undefined;
      const found = asAsked(request);
      return found && quotas.needsRole(found.asked) ? undefined : count(request, found);
    },
    async pass(request, admitted) {
      if (!counted.has(request)) {
        const refused = await count(request, asAsked(request));
        if (refused) return refused;
      }
      const there = elsewhere(request);
      const refused = there && (await count(request, there));
      if (refused) return refused;
      const more = counted.get(request)!;
      const reply = await admitted();
      return Object.keys(more).length > 0 ? { ...reply, more } : reply;
    },
  };
}
