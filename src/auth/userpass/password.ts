/**
 * Passwords as they rest: Argon2id (RFC 9106), OWASP's 19 MiB and two passes, about 30 ms of a core. It runs on libuv's threads, a few at a time,
 * so that files are still written meanwhile.
 *
 * The salt comes from the name and a key of the store's, not from the user's record: so the work begins before it is known whether there is
 * such a user, takes as long for any name, and what the look-up takes is hidden behind it.
 *
 * @module
 */
import { argon2, createHmac, timingSafeEqual } from 'node:crypto';
import { CodedError } from '../../model/errors.ts';
import { PASSWORDS_AT_ONCE, PASSWORDS_WAITING_MAX } from '../../model/limits.ts';

const MEMORY_KIB = 19_456;
const PASSES = 2;
const HASH_BYTES = 32;
const SALT_BYTES = 16;

export interface Passwords {
  /** 32 bytes, the same for the same mount, name and password. @throws CodedError `overloaded` where too many wait. */
  hash(mount: string, name: string, password: string): Promise<Buffer>;
}

/** @param saltKey - 32 bytes that never change; wiped after use. */
export function makePasswords(
  saltKey: () => Uint8Array,
  { atOnce, waitingMax } = { atOnce: PASSWORDS_AT_ONCE, waitingMax: PASSWORDS_WAITING_MAX },
): Passwords {
  let running = 0;
  const waiting: (() => void)[] = [];

  function saltOf(mount: string, name: string): Buffer {
    const key = saltKey();
    // A uuid has no `/`: no two pairs are one text.
    const salt = createHmac('sha256', key).update(`${mount}/${name}`).digest().subarray(0, SALT_BYTES);
    key.fill(0);
    return salt;
  }

  async function turn(): Promise<void> {
    if (running < atOnce) {
      running++;
      return;
    }
    if (waiting.length >= waitingMax) throw new CodedError('overloaded');
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function done(): void {
    const next = waiting.shift();
    // Its turn passes on, so that nobody comes in between.
    if (next) next();
    else running--;
  }

  return {
    async hash(mount, name, password) {
      await turn();
      const message = Buffer.from(password);
      try {
        return await argon2id(message, saltOf(mount, name));
      } finally {
        message.fill(0);
        done();
      }
    },
  };
}

function argon2id(message: Buffer, nonce: Buffer): Promise<Buffer> {
  const parameters = {
    message,
    nonce,
    parallelism: 1,
    tagLength: HASH_BYTES,
    memory: MEMORY_KIB,
    passes: PASSES,
  };
  return new Promise((resolve, reject) =>
    argon2('argon2id', parameters, (error, hash) => (error ? reject(error) : resolve(hash))),
  );
}

/** Is it the one that rests? Takes as long where none does. @param stored - base64. */
export function isSameHash(hash: Buffer, stored: string | undefined): boolean {
  const other = Buffer.alloc(HASH_BYTES);
  if (stored !== undefined) Buffer.from(stored, 'base64').copy(other);
  return timingSafeEqual(hash, other) && stored !== undefined;
}
