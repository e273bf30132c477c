/**
 * Is an existing file the log of an audit device, ours or Vault's? Whoever may enable devices names any file he likes: what is something else, such as a
 * list of users or of keys, must never get a line, nor other permissions.
 *
 * @module
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { linkOf } from '../model/audit-chain.ts';
import { AUDIT_LOOK_BYTES } from '../model/limits.ts';

const LINE_END = 0x0a;
/** Of lines too long to be looked at whole: how one begins that we write (Vault before 1.15 too); how one of a later Vault ends. */
const TYPES = ['request', 'response', 'checkpoint', 'missed'];
const FIRST = '{"time":"';
const BEGIN = new RegExp(`^\\{"time":"[^"]{20,40}","type":"(${TYPES.join('|')})",`);
const END = /"time":"[^"]{20,40}","type":"(request|response)"\}$/;

/**
 * It is enough that it begins or ends as a log does: one line may have broken off.
 * @param found - of the file that is open for writing.
 * @throws Error where it is none, or cannot be read.
 */
export async function refuseOtherFile(path: string, found: Stats): Promise<void> {
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause) => {
    throw new Error('it cannot be read, so what it holds is not known', { cause });
  });
  try {
    const { dev, ino } = await reader.stat();
    if (dev !== found.dev || ino !== found.ino) throw new Error('it was replaced meanwhile');
    const isLog = (await beginsAsLog(reader, found.size)) || (await endsAsLog(reader, found.size));
    if (!isLog) throw new Error('it holds something else than an audit log');
  } finally {
    await reader.close();
  }
}

async function beginsAsLog(reader: FileHandle, size: number): Promise<boolean> {
  const bytes = await bytesAt(reader, 0, Math.min(size, AUDIT_LOOK_BYTES));
  const end = bytes.indexOf(LINE_END);
  return end >= 0 ? isAuditLine(bytes.subarray(0, end)) : mayBeginLine(bytes, size);
}

/** Of a file without a line end: its first line broke off, anywhere; or its length was kept, and what it holds was not. */
function mayBeginLine(bytes: Buffer, size: number): boolean {
  if (size <= AUDIT_LOOK_BYTES && bytes.every((byte) => byte === 0)) return true;
  const text = bytes.toString('latin1', 0, 100);
  if (BEGIN.test(text) || FIRST.startsWith(text)) return true;
  const behindTime = text.slice(FIRST.length).replace(/^[\dT:.Z+-]{0,40}/, '');
  return text.startsWith(FIRST) && TYPES.some((type) => `","type":"${type}",`.startsWith(behindTime));
}

/** By its last whole line. */
async function endsAsLog(reader: FileHandle, size: number): Promise<boolean> {
  const from = Math.max(0, size - AUDIT_LOOK_BYTES);
  const bytes = await bytesAt(reader, from, size - from);
  const end = bytes.lastIndexOf(LINE_END);
  if (end < 0) return false;
  const before = end === 0 ? -1 : bytes.lastIndexOf(LINE_END, end - 1);
  if (before >= 0 || from === 0) return isAuditLine(bytes.subarray(before + 1, end));
  const text = bytes.toString('latin1', Math.max(0, end - 200), end);
  return END.test(text) || linkOf(text) !== undefined;
}

async function bytesAt(reader: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let got = 0;
  while (got < length) {
    const { bytesRead } = await reader.read(bytes, got, length - got, from + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return bytes.subarray(0, got);
}

/** A line of a chain, whatever its device leaves out; or an entry as Vault and we write it. */
function isAuditLine(bytes: Buffer): boolean {
  if (bytes[0] !== 0x7b) return false;
  if (linkOf(bytes.subarray(-200).toString('latin1'))) return true;
  let entry: { readonly [name: string]: unknown };
  try {
    entry = JSON.parse(bytes.toString('utf8'));
  } catch {
    return false;
  }
  const { time, type, request, missed } = entry;
  if (typeof time !== 'string') return false;
  if (type === 'missed') return typeof missed === 'number';
  return (type === 'request' || type === 'response') && typeof request === 'object' && request !== null;
}
