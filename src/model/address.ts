/**
 * Network addresses as texts, spelled as Go spells them: what Vault shows in its logs.
 *
 * @module
 */
import { BlockList, isIP } from 'node:net';

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

/** Networks and addresses as written (`10.0.0.0/8`, `::1`), to be asked whether an address lies in one. They have been found good before. */
export function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
