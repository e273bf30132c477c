/**
 * Networks from which a token may be used, or made: as they are written, and whether an address lies in one.
 *
 * @module
 */
import { type BlockList, isIP } from 'node:net';
import { blockListOf } from '../../model/address.ts';
import { badRequest } from '../../model/errors.ts';
import { CIDRS_MAX } from '../../model/limits.ts';

/** As Vault shows them: a network of one address is that address. @throws CodedError that repeats nothing of what was sent. */
export function networksOf(texts: readonly string[]): string[] {
  if (texts.length > CIDRS_MAX) throw badRequest(`more than ${CIDRS_MAX} networks`);
  return [...new Set(texts.filter((text) => text !== '').map(networkOf))];
}

function networkOf(text: string): string {
  const [address = '', bits, ...rest] = text.split('/');
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  const isNumber = bits === undefined || /^\d{1,3}$/.test(bits);
  if (longest < 0 || address.includes('%') || rest.length > 0 || !isNumber || Number(bits ?? 0) > longest)
    throw badRequest('error parsing address: expected an IP address or a network in CIDR notation');
  return bits === undefined || Number(bits) === longest ? address : `${address}/${Number(bits)}`;
}

/** Lists that were compiled, as long as the state lives that holds them: a request must not do it again. */
const compiled = new WeakMap<readonly string[], BlockList>();

/** True too where there are no networks. @param networks - as `networksOf` made them; never changed in place. */
export function isWithin(address: string, networks: readonly string[] | undefined): boolean {
  if (networks === undefined || networks.length === 0) return true;
  const family = { 0: undefined, 4: 'ipv4' as const, 6: 'ipv6' as const }[isIP(address)];
  if (family === undefined) return false;
  let list = compiled.get(networks);
  if (!list) {
    list = blockListOf(networks);
    compiled.set(networks, list);
  }
  return list.check(address, family);
}
