/**
 * Lines given to the machine's own syslog. Its socket takes datagrams, which Node.js cannot send; `logger` of util-linux can, and is kept running.
 * It echoes each line once syslog has taken it, and that is what a write waits for.
 *
 * @module
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { AUDIT_DATAGRAM_BYTES_MAX, AUDIT_LOGGER_REST_MS } from '../model/limits.ts';
import type { Output } from './line-sink.ts';

export interface LoggerOptions {
  /** The program; never a user's word. */
  readonly program: string;
  /** Such as `auth.info`. */
  readonly priority: string;
  readonly tag: string;
  /** For it to take lines, and for syslog to take them. */
  readonly timeoutMs: number;
}

interface Running {
  readonly child: ChildProcessByStdio<Writable, null, Readable>;
  readonly echoes: Echoes;
}

export function makeLoggerOutput({ program, priority, tag, timeoutMs }: LoggerOptions): Output {
  let running: Running | undefined;

  /** Why it ended last, and when that was. */
  let failed: { readonly error: Error; readonly atMs: number } | undefined;

  function open(): Promise<void> {
    if (running) return Promise.resolve();
    // Each try is a process: where there is no syslog, not one for each request.
    if (failed && performance.now() - failed.atMs < AUDIT_LOGGER_REST_MS) return Promise.reject(failed.error);
    return new Promise((resolve, reject) => {
      const size = String(AUDIT_DATAGRAM_BYTES_MAX * 2);
      // Without a syslog it ends, and says why.
      const args = ['--priority', priority, '--tag', tag, '--size', size, '--stderr', '--socket-errors=on'];
      // Nothing of this process's environment: it needs none of it.
      const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env: {} });
      const started = { child, echoes: makeEchoes() };
      const gone = (): void => {
        if (running === started) running = undefined;
      };
      child.once('error', (error) => {
        gone();
        reject(error);
      });
      child.once('exit', gone);
      // Once all that it said is read too.
      child.once('close', () => started.echoes.end('the program that hands it on ended'));
      child.stdin.on('error', () => {});
      child.stderr.on('data', started.echoes.read);
      child.once('spawn', () => {
        running = started;
        child.unref();
        for (const end of [child.stdin, child.stderr]) (end as unknown as Socket).unref();
        resolve();
      });
    });
  }

  async function close(): Promise<void> {
    const closing = running?.child;
    running = undefined;
    if (!closing || closing.exitCode !== null || closing.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => closing.kill('SIGKILL'), timeoutMs);
      closing.once('exit', () => {
        clearTimeout(late);
        resolve();
      });
      closing.stdin.end();
    });
  }

  return {
    open,
    async write(bytes) {
      await open();
      const { child, echoes } = running!;
      const late = setTimeout(() => echoes.end(`nothing within ${timeoutMs} ms`), timeoutMs);
      try {
        const taken = echoes.next(countLines(bytes));
        child.stdin.write(bytes);
        await taken;
      } catch (cause) {
        // What it still does with lines that were given up must not count for the next ones.
        if (running?.child === child) running = undefined;
        child.kill('SIGKILL');
        const error = new Error(`syslog did not take it: ${(cause as Error).message}`, { cause });
        failed = { error, atMs: performance.now() };
        throw error;
      } finally {
        clearTimeout(late);
      }
    },
    close,
    async reopen() {
      await close();
      await open();
    },
  };
}

/** What `logger` says: each line that syslog took, with `<priority>` before it; anything else is a complaint. */
interface Echoes {
  /** Resolves once so many lines more were taken. @throws Error with the complaint, or where it ended before. One at a time. */
  next(count: number): Promise<void>;
  readonly read: (chunk: Buffer) => void;
  /** Nothing more comes of it; `why`, where it did not complain. */
  end(why: string): void;
}

const LINE_END = 0x0a;
const ECHO_BEGIN = 0x3c;
const COMPLAINT_BYTES_MAX = 200;

function makeEchoes(): Echoes {
  let wanted = 0;
  let waiting: { resolve(): void; reject(error: Error): void } | undefined;
  let failure: Error | undefined;
  /** The line that is being read is an echo; undefined: its first byte is to come. */
  let isEcho: boolean | undefined;
  let complaint = '';

  function settle(): void {
    if (failure) waiting?.reject(failure);
    else if (wanted === 0) waiting?.resolve();
    else return;
    waiting = undefined;
  }

  function endLine(): void {
    if (isEcho) wanted -= 1;
    else failure ??= new Error(complaint || 'it complains');
    isEcho = undefined;
  }

  return {
    next(count) {
      wanted = count;
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        settle();
      });
    },
    read(chunk) {
      for (let from = 0; from < chunk.length; ) {
        isEcho ??= chunk[from] === ECHO_BEGIN;
        const end = chunk.indexOf(LINE_END, from);
        const to = end < 0 ? chunk.length : end;
        if (!isEcho)
          complaint = (complaint + chunk.toString('latin1', from, to)).slice(0, COMPLAINT_BYTES_MAX);
        if (end >= 0) endLine();
        from = to + 1;
      }
      settle();
    },
    end(why) {
      failure ??= new Error(complaint || why);
      settle();
    },
  };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, end + 1)) count++;
  return count;
}
