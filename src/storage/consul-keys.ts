/**
 * Keys of ours as Consul takes them in a URL: any text, though Consul folds `//`, `.` and `..` there.
 *
 * @module
 */

/**
 * Letters, digits, `-`, `_` and single slashes stay; every other byte of the UTF-8 becomes `=` and two hexadecimal digits. What stands
 * behind a byte does not change what becomes of it, so prefixes stay prefixes.
 */
export function consulKey(key: string): string {
  return key.replace(/[^\w/-]+|(?<=\/)\/+/gu, (odd) =>
    Buffer.from(odd, 'utf8').toString('hex').toUpperCase().replace(/../g, '=$&'),
  );
}

export function keyOfConsul(text: string): string {
  return text.replace(/(?:=[0-9A-F]{2})+/g, (escaped) =>
    Buffer.from(escaped.replaceAll('=', ''), 'hex').toString('utf8'),
  );
}
