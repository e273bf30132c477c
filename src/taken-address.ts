/**
 * What to do about an address that somebody else listens on.
 *
 * @module
 */
import { ListenError } from './http/listen-error.ts';
import type { ServerFlags } from './server-flags.ts';
import { DEV_ADDRESS } from './server-settings.ts';

/** The rest of a sentence: the command to go on with where an address is taken; else ''. */
export function whatHelps(error: unknown, flags: ServerFlags, program: string): string {
  if (!(error instanceof ListenError) || error.code !== 'EADDRINUSE') return '';
  const [, host = '', port] = /^(.*):(\d+)$/.exec(error.address) ?? [];
  if (flags.dev && error.address === (flags.devListenAddress ?? DEV_ADDRESS)) {
    const other = Number(port) < 65_000 ? Number(port) + 100 : 8200;
    return `; take another: ${program} server -dev -dev-listen-address=${host}:${other}`;
  }
  const who =
    process.platform === 'linux' ? `ss -ltnp 'sport = :${port}'` : `lsof -iTCP:${port} -sTCP:LISTEN`;
  return `; see who listens there: ${who}, or give that listener another address in the configuration`;
}
