/**
 * Whose address a request has: that of its peer or, from a proxy that the operator named, what `X-Forwarded-For` says (contract §1.2).
 *
 * @module
 */
import { isIP } from 'node:net';
import { blockListOf, plainAddress } from '../model/address.ts';
import { badRequest } from '../model/errors.ts';
import type { AnyRequest } from './body.ts';
import type { ListenerOptions } from './listener-options.ts';

/** @throws CodedError `bad_request` where the listener's settings do not let the request in. */
export type ForwardedAddress = (request: AnyRequest) => string;

/** Undefined where the listener names no proxies: the header then means nothing. */
export function makeForwardedAddress(listener: ListenerOptions): ForwardedAddress | undefined {
  const proxies = listener.x_forwarded_for_authorized_addrs ?? [];
  if (proxies.length === 0) return undefined;
  const trusted = blockListOf(proxies);
  const skips = listener.x_forwarded_for_hop_skips ?? 0;
  return (request) => {
    const peer = plainAddress(request.socket.remoteAddress);
    // Several headers of this name are one list, as Node hands them over.
    const header = request.headers['x-forwarded-for'];
    if (header === undefined) {
      if (!listener.x_forwarded_for_reject_not_present) return peer;
      throw badRequest('missing x-forwarded-for header and configured to reject when not present');
    }
    if (!trusted.check(peer, isIP(peer) === 6 ? 'ipv6' : 'ipv4')) {
      if (!listener.x_forwarded_for_reject_not_authorized) return peer;
      throw badRequest(
        'client address not authorized for x-forwarded-for and configured to reject connection',
      );
    }
    const hops = String(header).split(',');
    const hop = hops.at(-1 - skips);
    if (hop === undefined || skips >= hops.length) {
      throw badRequest(
        `malformed x-forwarded-for configuration or request, hops to skip (${skips}) would skip before earliest chain link (chain length ${hops.length})`,
      );
    }
    const address = addressIn(hop.trim());
    // It goes into audit logs and decisions: nothing but an address may pass for one.
    if (address === undefined) throw badRequest('malformed x-forwarded-for header: expected IP addresses');
    return address;
  };
}

/** Some proxies add the port: `192.0.2.1:5000`, `[2001:db8::1]:5000`. */
function addressIn(hop: string): string | undefined {
  const [, bracketed, bare] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(hop) ?? [];
  const address = bracketed ?? bare ?? hop;
  return isIP(address) === 0 ? undefined : plainAddress(address);
}
