/**
 * What the keys of a store that others use too begin with.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';

/**
 * The configured path as all keys begin with it: without a slash in front, with one at the end. So that it stands in URLs and in tools'
 * arguments as it is, it may hold letters, digits, `-`, `_` and single slashes.
 * @throws CodedError `bad_request`
 */
export function storePrefix(path: string): string {
  const names = path.replace(/^\//, '').replace(/\/$/, '');
  if (/^[\w-]+(\/[\w-]+)*$/.test(names)) return `${names}/`;
  throw new CodedError(
    'bad_request',
    `the store's path '${path}' may hold only letters, digits, '-', '_' and single slashes`,
  );
}
