/**
 * What a token's lease is called: the path it was made at, `/h`, and its accessor sealed, so that a lease leads to its token without an index
 * and yet tells nobody its accessor.
 *
 * @module
 */
import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { namespaceIdOf, namespaceSuffix } from '../../model/namespace.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ACCESSOR_CHARS = 24;
/** An accessor as a number: 62^24 < 2^143. */
const ACCESSOR_BYTES = 18;
/** In front of it, and what it is encrypted under: only who has the key can make one that fits. */
const TAG_BYTES = 14;
const LEASE = /^(.+)\/h([0-9a-f]{64})(?:\.([0-9A-Za-z]{6}))?$/;

export interface LeaseIds {
  of(accessor: string, path: string): string;
  /** The accessor and the path that `of` was given; undefined: it is no lease of a token. */
  read(id: string): { readonly accessor: string; readonly path: string } | undefined;
}

/** @param key - 32 fresh bytes, which are wiped after use. */
export function makeLeaseIds(key: () => Uint8Array): LeaseIds {
  /** One accessor has one name: the tag is a function of it and of the key (as in RFC 5297). */
  function withKeys<T>(
    run: (tagOf: (plain: Buffer) => Buffer, crypt: (tag: Buffer, data: Buffer) => Buffer) => T,
  ): T {
    const secret = key();
    const [tagKey, cipherKey] = ['tag', 'cipher'].map((use) =>
      createHmac('sha256', secret).update(use).digest(),
    ) as [Buffer, Buffer];
    try {
      return run(
        (plain) => createHmac('sha256', tagKey).update(plain).digest().subarray(0, TAG_BYTES),
        (tag, data) => {
          const cipher = createCipheriv('aes-256-ctr', cipherKey, Buffer.concat([tag, Buffer.alloc(2)]));
          return Buffer.concat([cipher.update(data), cipher.final()]);
        },
      );
    } finally {
      for (const bytes of [secret, tagKey, cipherKey]) bytes.fill(0);
    }
  }

  return {
    of(accessor, path) {
      const plain = bytesOf(accessor);
      const sealed = withKeys((tagOf, crypt) => {
        const tag = tagOf(plain);
        return Buffer.concat([tag, crypt(tag, plain)]);
      });
      return `${path}/h${sealed.toString('hex')}${namespaceSuffix(namespaceIdOf(accessor))}`;
    },
    read(id) {
      const [, path, hex, namespace] = LEASE.exec(id) ?? [];
      if (path === undefined || hex === undefined) return undefined;
      const sealed = Buffer.from(hex, 'hex');
      const tag = sealed.subarray(0, TAG_BYTES);
      const plain = withKeys((tagOf, crypt) => {
        const opened = crypt(tag, sealed.subarray(TAG_BYTES));
        return timingSafeEqual(tagOf(opened), tag) ? opened : undefined;
      });
      return plain && { accessor: textOf(plain) + namespaceSuffix(namespace ?? 'root'), path };
    },
  };
}

/** The accessor's own part: whose namespace it is stands behind the lease as it does behind the accessor. */
function bytesOf(accessor: string): Buffer {
  let number = 0n;
  for (const character of accessor.slice(0, ACCESSOR_CHARS))
    number = number * 62n + BigInt(BASE62.indexOf(character));
  return Buffer.from(number.toString(16).padStart(2 * ACCESSOR_BYTES, '0'), 'hex');
}

function textOf(bytes: Buffer): string {
  let number = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let n = 0; n < ACCESSOR_CHARS; n++) {
    text = BASE62[Number(number % 62n)] + text;
    number /= 62n;
  }
  return text;
}
