/**
 * Network addresses as texts, spelled as Go spells them: what Vault shows in its logs.
 *
 * @module
 */

const MAPPED = '::ffff:';

/** An IPv4 address that came through an IPv6 socket, in its own spelling. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
}

/** `192.0.2.1:5000`, `[2001:db8::1]:5000`. */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
