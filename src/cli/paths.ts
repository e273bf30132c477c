/**
 * Paths as people type them on the command line.
 *
 * @module
 */

/** Without slashes and spaces at either end. */
export function sanitizePath(path: string): string {
  return path.trim().replace(/^\/+/, '').trim().replace(/\/+$/, '');
}

/** With one slash at its end, unless empty. */
export function withTrailingSlash(path: string): string {
  const trimmed = path.trim();
  return trimmed === '' || trimmed.endsWith('/') ? trimmed : `${trimmed}/`;
}
