/**
 * Kinds of values that configuration keys have, besides those every HCL text has.
 *
 * @module
 */
import { isIP } from 'node:net';
import {
  boolOf,
  HclError,
  type HclValue,
  integerOf,
  listOf,
  secondsOf,
  stringsOf,
  textOf,
} from '../model/hcl.ts';
import { toCommaStrings } from '../model/params.ts';
import { type ValueField, value } from './fields.ts';

export const text: ValueField<string> = value((node) => textOf(node));
export const bool: ValueField<boolean> = value(boolOf);
/** Seconds, with a fraction where one was written. */
export const seconds: ValueField<number> = value(secondsOf);

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): ValueField<number> {
  return value((node) => integerOf(node, min, max));
}

/** One of a few words, in any case. `words` gives each its meaning. */
export function oneOf<T>(words: Readonly<Record<string, T>>, expected: string): ValueField<T> {
  return value((node) => {
    const word = textOf(node, expected).trim().toLowerCase();
    if (!Object.hasOwn(words, word)) throw new HclError(node.position, `expected ${expected}`);
    return words[word] as T;
  });
}

/** A text that has to pass `good`. */
export function textThat(good: (text: string) => boolean, expected: string): ValueField<string> {
  return value((node) => {
    const found = textOf(node, expected).trim();
    if (!good(found)) throw new HclError(node.position, `expected ${expected}`);
    return found;
  });
}

/** `http://host:port` or `https://host:port`, without a slash at its end. */
export const address: ValueField<string> = value((node) => {
  const found = textOf(node, ADDRESS).trim();
  if (found === '') return '';
  if (!isAddress(found)) throw new HclError(node.position, `expected ${ADDRESS}`);
  return found.replace(/\/+$/, '');
});

/** As `address`, or `host:port` alone: nodes speak TLS among themselves, whatever is written. */
export const clusterAddress: ValueField<string> = value((node) => {
  const found = textOf(node, CLUSTER_ADDRESS).trim();
  if (found !== '' && !isClusterAddress(found))
    throw new HclError(node.position, `expected ${CLUSTER_ADDRESS}`);
  return found.replace(/\/+$/, '');
});

const CLUSTER_ADDRESS = 'an address such as "10.0.0.5:8201"';

export function isClusterAddress(text: string): boolean {
  return isAddress(text) || (/^[^/\s]+:\d{1,5}$/.test(text) && isAddress(`https://${text}`));
}

const ADDRESS = 'an address such as "https://10.0.0.5:8200"';

export function isAddress(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).hostname !== '';
}

/** IP addresses and networks (`10.0.0.0/8`): a list, or one text split at commas. */
export const networks: ValueField<string[]> = value((node) => {
  const expected = 'a list of IP addresses or networks such as "10.0.0.0/8"';
  const found = node.kind === 'list' ? stringsOf(node) : toCommaStrings(textOf(node, expected));
  for (const one of found)
    if (!isNetwork(one.trim())) throw new HclError(node.position, `expected ${expected}`);
  return found.map((one) => one.trim());
});

function isNetwork(text: string): boolean {
  const [ip = '', bits, ...rest] = text.split('/');
  const version = isIP(ip);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

export function stringsIn(node: HclValue, expected: string): string[] {
  return listOf(node, expected).elements.map((element) => textOf(element));
}
