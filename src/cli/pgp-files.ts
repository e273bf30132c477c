/**
 * Files with public PGP keys, as the flags `-pgp-key` and `-pgp-keys` name them: armored, binary, or base64 of the binary form.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { quote } from '../model/printable.ts';
import { localFailure, messageOf } from './failure.ts';
import { fileReason } from './file-reason.ts';

const ARMOR = /-----BEGIN PGP PUBLIC KEY BLOCK-----([\s\S]*?)-----END PGP PUBLIC KEY BLOCK-----/g;

/**
 * The key in `file`, as the API takes it: base64 of the binary form.
 * @param flag - by which it was named, without the dash.
 * @param file - a leading `@` is left aside.
 * @throws CommandFailure where there is none, or more than one.
 */
export function pgpKeyIn(flag: string, file: string): string {
  try {
    return keyIn(file);
  } catch (error) {
    throw localFailure(`invalid value ${quote(file)} for flag -${flag}: ${messageOf(error)}`);
  }
}

/** @throws Error */
function keyIn(file: string): string {
  if (file.startsWith('keybase:'))
    throw new Error('keybase: names are not looked up; give a file with the key');
  const name = file.replace(/^@/, '');
  if (name === '') throw new Error('empty path');
  let bytes: Buffer;
  try {
    bytes = readFileSync(name);
  } catch (error) {
    throw new Error(`open ${name}: ${fileReason(error)}`);
  }
  const text = bytes.toString('latin1');
  const blocks = [...text.matchAll(ARMOR)];
  if (blocks.length > 1) throw new Error(`more than one key found in file "${name}"`);
  if (blocks.length === 1) return withoutArmor(blocks[0]![1]!);
  const bare = text.trim();
  return /^[A-Za-z0-9+/\r\n]+={0,2}$/.test(bare) ? bare : bytes.toString('base64');
}

/** The keys in `files`, which commas may separate, too; undefined where none is named. */
export function pgpKeysIn(flag: string, files: readonly string[]): string[] | undefined {
  const names = files.flatMap((file) => file.split(',')).map((name) => name.trim());
  const named = names.filter((name) => name !== '');
  return named.length === 0 ? undefined : named.map((name) => pgpKeyIn(flag, name));
}

/** Headers up to the first empty line, base64, and perhaps a checksum: `=` and four characters. */
function withoutArmor(body: string): string {
  const lines = body.replaceAll('\r', '').split('\n').slice(1);
  const empty = lines.findIndex((line) => line.trim() === '');
  const data = lines.slice(empty + 1).map((line) => line.trim());
  return data.filter((line) => !/^=[A-Za-z0-9+/]{4}$/.test(line)).join('');
}
