/**
 * The `file` audit device: JSON lines appended to a file, printed, or thrown away (`file_path` "stdout", "discard").
 *
 * @module
 */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { badRequest } from '../model/errors.ts';
import { type ChainOptions, makeChain } from './chain.ts';
import type { AuditDevice } from './device.ts';
import { makeFileOutput } from './file-output.ts';
import { makeLineSink, type Output } from './line-sink.ts';
import { parseFileOptions } from './options.ts';
import { rendering } from './rendering.ts';

export interface FileDeviceOptions {
  /** As the API takes them: all strings. */
  readonly options: Readonly<Record<string, string>>;
  /** The device's own random text, a UUID, kept with it: hashes compare only under the same salt. */
  readonly salt: string;
  /** Nothing is written at or under these: the node's own data. */
  readonly forbiddenFolders?: readonly string[];
  /** Makes a chain of its lines; absent: they stand alone. Of what is discarded there is none. */
  readonly chain?: ChainOptions;
}

/**
 * Makes the device without touching the file: it is opened by `open`, or else by the first line.
 * @throws CodedError `bad_request` naming the option that is wrong.
 */
export function makeFileDevice({
  options,
  salt,
  forbiddenFolders = [],
  chain,
}: FileDeviceOptions): AuditDevice {
  const parsed = parseFileOptions(options);
  const rendered = rendering(options, salt);
  const output = outputOf(parsed.path, parsed.mode);
  const isChained = chain !== undefined && parsed.path !== 'discard';
  const file = parsed.path === 'stdout' ? undefined : resolve(parsed.path);
  const sink = makeLineSink(output, {
    makeLinker: isChained ? (turns) => makeChain({ ...chain, file }, output, turns) : undefined,
  });
  let isAllowed = false;
  /** Of many writes that wait for it the order stays. */
  let allowing: Promise<void> | undefined;
  // Before the first byte, however the device came to be: what one node allows may be another's data.
  const allow = (): Promise<void> => {
    allowing ??= refuseForbidden(parsed.path, forbiddenFolders)
      .then(() => {
        isAllowed = true;
      })
      .finally(() => {
        allowing = undefined;
      });
    return allowing;
  };
  async function ownFile(): Promise<string> {
    if (parsed.logRaw)
      throw badRequest('that device writes secrets in the clear (log_raw): its log is not shown');
    await allow().catch((cause) => {
      throw badRequest('that device has no log on this node', { cause });
    });
    return file!;
  }
  return {
    type: 'file',
    ...rendered,
    isFull: sink.isFull,
    write: (line) => (isAllowed ? sink.write(line) : allow().then(() => sink.write(line))),
    reopen: () => (isAllowed ? sink.reopen() : allow().then(sink.reopen)),
    close: sink.close,
    ownFile: file === undefined || parsed.path === 'discard' ? undefined : ownFile,
    async open() {
      try {
        await allow();
        await sink.open();
      } catch (error) {
        throw badRequest(
          `sanity check failed; unable to open "${parsed.path}" for writing: ${reasonOf(error)}`,
          {
            cause: error,
          },
        );
      }
    },
  };
}

function outputOf(path: string, mode: number | undefined): Output {
  if (path === 'discard') return DISCARD;
  if (path === 'stdout') return STDOUT;
  return makeFileOutput(resolve(path), mode);
}

const nothing = async (): Promise<void> => {};
const DISCARD: Output = { open: nothing, write: nothing, reopen: nothing, close: nothing };
const STDOUT: Output = {
  open: nothing,
  write: (bytes) =>
    new Promise((done, failed) => process.stdout.write(bytes, (e) => (e ? failed(e) : done()))),
  reopen: nothing,
  close: nothing,
};

/** A log written into the store's own files would destroy them. Links are followed first. */
async function refuseForbidden(path: string, folders: readonly string[]): Promise<void> {
  if (path === 'discard' || path === 'stdout') return;
  const file = resolve(path);
  const target = await realpath(file).catch(async () => join(await realpath(dirname(file)), basename(file)));
  for (const folder of folders) {
    const real = await realpath(folder).catch(() => resolve(folder));
    if (target === real || target.startsWith(real + sep))
      throw new Error('this folder holds the data of the server');
  }
}

/** `no such file or directory` of `ENOENT: no such file or directory, open '/x'`. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return /^[A-Z0-9]+: ([^,]+), /.exec(message)?.[1] ?? message;
}
