/**
 * Random bytes and digests, for who has no tool of their own (contract §2.14).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import { TOOLS_RANDOM_BYTES_MAX } from '../../model/limits.ts';
import * as p from '../../model/params.ts';
import type { LogicalReply } from '../../model/request.ts';

const RANDOM_BYTES = 32;
const SOURCES = ['platform', 'seal', 'all'];
/** Vault's names of digests → Node's. */
const DIGESTS: Readonly<Record<string, string>> = {
  'sha2-224': 'sha224',
  'sha2-256': 'sha256',
  'sha2-384': 'sha384',
  'sha2-512': 'sha512',
  'sha3-224': 'sha3-224',
  'sha3-256': 'sha3-256',
  'sha3-384': 'sha3-384',
  'sha3-512': 'sha3-512',
};

export function toolRoutes(): Record<string, Route> {
  const random = operation({
    summary: 'Random bytes.',
    params: {
      bytes: p.int('How many.', { absent: RANDOM_BYTES }),
      format: p.string('"base64" or "hex".', { absent: 'base64' }),
    },
    run: ({ bytes, format }, ctx) => randomReply(bytes, format, ctx),
  });
  const hash = operation({
    summary: 'The digest of base64-encoded input.',
    params: {
      input: p.string('What is digested, in base64.', { absent: '' }),
      algorithm: p.string('Such as sha2-256, which it is where absent.', { absent: 'sha2-256' }),
      format: p.string('"hex" or "base64".', { absent: 'hex' }),
    },
    run({ input, algorithm, format }, { captures: { urlalgorithm = algorithm } }) {
      const name = Object.hasOwn(DIGESTS, urlalgorithm) ? DIGESTS[urlalgorithm] : undefined;
      if (!name) throw badRequest('unsupported algorithm');
      const encoding = encodingOf(format);
      return { data: { sum: createHash(name).update(fromBase64(input)).digest(encoding) } };
    },
  });
  return {
    'tools/random': { update: random },
    'tools/random/:source': { update: random },
    'tools/random/:source/:urlbytes': { update: random },
    'tools/hash': { update: hash },
    'tools/hash/:urlalgorithm': { update: hash },
  };
}

/** `:source` may be left out; then the number stands in its place. */
function randomReply(asked: number, format: string, { captures, randomBytes }: RouteContext): LogicalReply {
  const { source = '', urlbytes } = captures;
  const isSource = urlbytes !== undefined || SOURCES.includes(source);
  if (isSource && !SOURCES.includes(source)) {
    throw badRequest('unsupported entropy source; must be "platform" or "seal", or "all"');
  }
  const inPath = urlbytes ?? (isSource ? undefined : captures.source);
  const bytes = inPath === undefined ? asked : countIn(inPath);
  if (bytes < 1) throw badRequest("'bytes' cannot be less than 1");
  if (bytes > TOOLS_RANDOM_BYTES_MAX)
    throw badRequest(`'bytes' should be less than ${TOOLS_RANDOM_BYTES_MAX}`);
  const data = { random_bytes: randomBytes(bytes).toString(encodingOf(format)) };
  const warnings = ['no seal/entropy augmentation available, using platform entropy source'];
  return source === 'seal' ? { data, warnings } : { data };
}

function countIn(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw badRequest('error parsing url-set byte count: invalid syntax');
  return Number(text);
}

function encodingOf(format: string): 'hex' | 'base64' {
  if (format !== 'hex' && format !== 'base64') {
    throw badRequest('unsupported encoding format; must be "hex" or "base64"');
  }
  return format;
}

/** As strict as Go's: whole groups of four, line ends left aside. */
function fromBase64(text: string): Buffer {
  const packed = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, '') : text;
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) {
    throw badRequest('unable to decode input as base64: illegal base64 data');
  }
  return Buffer.from(packed, 'base64');
}
