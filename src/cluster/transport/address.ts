/**
 * `host:port`, as it stands in configuration and records, and libp2p's multiaddr of it.
 *
 * @module
 */
import { lookup } from 'node:dns/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '../../model/transport.ts';

export interface HostPort {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** `10.0.0.1:8201`, `[::1]:8201`, `node-1.example:8201`. @throws Error for any other text. */
export function parseHostPort(text: string): HostPort {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  const spelled = host !== undefined && (found?.[1] === undefined || isIPv6(host));
  if (!spelled || port > 65_535 || !(isIPv6(host) || /^[A-Za-z0-9._-]{1,253}$/.test(host))) {
    throw new Error(`${JSON.stringify(text)} is not an address; it must be host:port`);
  }
  return { host, port };
}

/** Where to dial `peer`: whoever else answers there is refused by TLS. */
export function dialAddress({ host, port }: HostPort, peer: PeerId): Multiaddr {
  const kind = isIPv4(host) ? 'ip4' : isIPv6(host) ? 'ip6' : 'dns';
  return multiaddr(`/${kind}/${host}/tcp/${port}/p2p/${peer}`);
}

/** Why a transport could not start, in one sentence: libp2p's own error is a list of addresses and stacks. */
export function listenFailure(listen: string | undefined, cause: unknown): Error {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (listen === undefined) return cause instanceof Error ? cause : new Error(text);
  const code = /\bE[A-Z]{4,}\b/.exec(text)?.[0];
  const why = code === 'EADDRINUSE' ? 'the address is already in use' : (code ?? text.split('\n', 1)[0]);
  return new Error(`cannot listen on ${listen} for other nodes: ${why}`, { cause });
}

/** Where to listen; a name is looked up. @throws Error when it has no address. */
export async function listenAddress({ host, port }: HostPort): Promise<Multiaddr> {
  const address = isIPv4(host) || isIPv6(host) ? host : (await lookup(host)).address;
  return multiaddr(`/${isIPv6(address) ? 'ip6' : 'ip4'}/${address}/tcp/${port}`);
}

/** The other side's address, without its port. */
export function hostOf(connection: { readonly remoteAddr: Multiaddr }): string {
  return connection.remoteAddr.getComponents()[0]?.value ?? '';
}

/** `host:port`, the host in brackets where it is an IPv6 address. */
export function hostPortOf(address: Multiaddr): string {
  const [host, port] = address.getComponents();
  const name = host?.value ?? '';
  return `${name.includes(':') ? `[${name}]` : name}:${port?.value}`;
}
