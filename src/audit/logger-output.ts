/**
 * Lines given to the machine's own syslog. Its socket takes datagrams, which Node.js cannot send; `logger` of util-linux can, and is kept running.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { AUDIT_DATAGRAM_BYTES_MAX } from '../model/limits.ts';
import type { Output } from './line-sink.ts';

export interface LoggerOptions {
  /** The program; never a user's word. */
  readonly program: string;
  /** Such as `auth.info`. */
  readonly priority: string;
  readonly tag: string;
  /** For it to take lines. */
  readonly timeoutMs: number;
}

export function makeLoggerOutput({ program, priority, tag, timeoutMs }: LoggerOptions): Output {
  let child: ChildProcess | undefined;

  function open(): Promise<void> {
    if (child) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const args = ['--priority', priority, '--tag', tag, '--size', String(AUDIT_DATAGRAM_BYTES_MAX * 2)];
      // Nothing of this process's environment: it needs none of it.
      const started = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'], env: {} });
      started.once('error', (error) => {
        if (child === started) child = undefined;
        reject(error);
      });
      started.once('exit', () => {
        if (child === started) child = undefined;
      });
      started.stdin!.on('error', () => {});
      started.once('spawn', () => {
        child = started;
        started.unref();
        resolve();
      });
    });
  }

  async function close(): Promise<void> {
    const closing = child;
    child = undefined;
    if (!closing) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => closing.kill(), timeoutMs);
      closing.once('exit', () => {
        clearTimeout(late);
        resolve();
      });
      closing.stdin!.end();
    });
  }

  return {
    open,
    async write(bytes) {
      await open();
      const to = child!;
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => to.kill(), timeoutMs);
        const ended = (): void => {
          clearTimeout(late);
          reject(new Error(`${program} ended`));
        };
        to.once('exit', ended);
        to.stdin!.write(bytes, (error) => {
          clearTimeout(late);
          to.off('exit', ended);
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close,
    async reopen() {
      await close();
      await open();
    },
  };
}
