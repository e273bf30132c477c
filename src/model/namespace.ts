/**
 * Namespaces: tenants of one cluster, each with mounts, policies and tokens of its own, one below the other (contract §2.11). Their ids stand
 * in every actor id, and behind the last dot of every token and accessor that is not of the root namespace.
 *
 * @module
 */
import { badRequest, type CodedError } from './errors.ts';

export interface Namespace {
  /** `root`, or six base62 characters. No other has it, and none ever again while anything of this one is left. */
  readonly id: string;
  readonly uuid: string;
  /** From the root namespace, ending in `/`; '' for the root namespace itself. */
  readonly path: string;
  readonly custom_metadata: Readonly<Record<string, string>>;
  /** Locked to all requests, until somebody gives the key: its SHA-256, hex. */
  readonly lock?: { readonly key_hash: string };
}

export const ROOT_NAMESPACE: Namespace = {
  id: 'root',
  uuid: '00000000-0000-0000-0000-000000000000',
  path: '',
  custom_metadata: {},
};

export const NAMESPACE_ID_CHARS = 6;
const SUFFIX = /\.([0-9A-Za-z]{6})$/;

/** What a token or an accessor of the namespace ends in. */
export function namespaceSuffix(id: string): string {
  return id === ROOT_NAMESPACE.id ? '' : `.${id}`;
}

/** Of which namespace an accessor is. Of what is no accessor of ours it says something harmless. */
export function namespaceIdOf(accessor: string): string {
  if (accessor.charCodeAt(accessor.length - NAMESPACE_ID_CHARS - 1) !== DOT) return ROOT_NAMESPACE.id;
  return SUFFIX.exec(accessor)?.[1] ?? ROOT_NAMESPACE.id;
}

const DOT = 0x2e;

/** A token that is not of the root namespace: no chosen one is, and no chosen one holds a dot. */
const TOKEN_IN_NAMESPACE = /^hv(?:s\.[0-9A-Za-z]{24}|b\.[0-9A-Za-z_-]+)\.([0-9A-Za-z]{6})$/;

/** Of which namespace a token is, if it is one. */
export function namespaceIdOfToken(token: string): string {
  if (token.charCodeAt(token.length - NAMESPACE_ID_CHARS - 1) !== DOT) return ROOT_NAMESPACE.id;
  return TOKEN_IN_NAMESPACE.exec(token)?.[1] ?? ROOT_NAMESPACE.id;
}

/** The path from `above` to `namespace`, '' where they are one; undefined: it is not within it. */
export function pathFrom(
  above: Pick<Namespace, 'path'>,
  namespace: Pick<Namespace, 'path'>,
): string | undefined {
  return namespace.path.startsWith(above.path) ? namespace.path.slice(above.path.length) : undefined;
}

/** What our accessors look like; they name actors, which nothing else may. */
const ACCESSOR = /^[0-9A-Za-z]{1,64}(?:\.[0-9A-Za-z]{6})?$/;

export function isAccessor(text: string): boolean {
  return ACCESSOR.test(text);
}

/** May a request ask about the token of this accessor? Only about its own, and those of the namespace it is in: neither above nor below. */
export function isOfNamespace(
  accessor: string,
  {
    namespace,
    caller,
  }: { namespace: Pick<Namespace, 'id'>; caller: { readonly accessor: string } | undefined },
): boolean {
  return namespaceIdOf(accessor) === namespace.id || (caller !== undefined && accessor === caller.accessor);
}

/** To be thrown where one is to be ended that is out of reach: that nothing was done must be heard. */
export function ofAnotherNamespace(what: 'token' | 'accessor' | 'lease'): CodedError {
  return badRequest(`the ${what} is neither of this namespace nor of one below it`);
}
