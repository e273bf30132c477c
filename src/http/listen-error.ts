/** @module Why a listener could not start. */

/** In one line for the operator. */
export class ListenError extends Error {
  readonly code: string;
  readonly address: string;
  constructor(address: string, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? 'unknown';
    super(`cannot listen on ${address}: ${LISTEN_FAILURES[code] ?? code}`, { cause });
    this.name = 'ListenError';
    this.code = code;
    this.address = address;
  }
}

const LISTEN_FAILURES: Record<string, string> = {
  EADDRINUSE: 'the address is already in use',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EACCES: 'not permitted (ports below 1024 need a privilege)',
  ENOTFOUND: 'the host name is not known',
};
