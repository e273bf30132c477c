/**
 * Networks that bind secret ids: always in CIDR notation, and shown as they were written, unlike those of tokens.
 *
 * @module
 */
import { isIP } from 'node:net';
import { CodedError, multiError } from '../../model/errors.ts';
import { isWithin, networksOf } from '../token/cidrs.ts';

/** @throws CodedError, with Vault's status, that repeats nothing of what was sent. */
export function blocksOf(texts: readonly string[]): string[] {
  const blocks = texts.filter((text) => text !== '');
  if (blocks.some((text) => !text.includes('/')))
    throw failed('failed to validate CIDR blocks: a block is an address, `/`, and how many bits of it count');
  networksOf(blocks);
  return blocks;
}

/** @throws CodedError where one of `blocks` is not inside of one of `outer`; where there are none of these, all is inside. */
export function checkInside(blocks: readonly string[], outer: readonly string[]): void {
  if (outer.length > 0 && !blocks.every((block) => outer.some((other) => isInside(block, other))))
    throw failed(
      'failed to verify subset relationship between CIDR blocks on the role and CIDR blocks on the secret ID',
    );
}

function isInside(block: string, other: string): boolean {
  const [address = '', bits = longest(address)] = block.split('/');
  const [otherAddress = '', otherBits = longest(otherAddress)] = other.split('/');
  if (isIP(address) !== isIP(otherAddress)) return false;
  return Number(bits) >= Number(otherBits) && isWithin(address, [other]);
}

const longest = (address: string): string => (isIP(address) === 6 ? '128' : '32');

function failed(text: string): CodedError {
  return new CodedError('internal', multiError([text]));
}
