/**
 * Why the operating system refused, in words for the person who started the program.
 *
 * @module
 */

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EEXIST: 'a file is in its place',
  EISDIR: 'it is a folder',
  EMFILE: 'too many files are open',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of the path is no folder',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
};

const SQLITE_BUSY = 5;

/** The end of a sentence: never a whole message, which would repeat path and system call. */
export function systemReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message ?? String(error);
  return Object.hasOwn(REASONS, code) ? REASONS[code]! : code;
}

/** Whether SQLite gave up because somebody else holds its file. */
export function isSqliteBusy(error: unknown): boolean {
  return (error as { errcode?: number } | undefined)?.errcode === SQLITE_BUSY;
}
