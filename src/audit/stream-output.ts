/**
 * Lines sent down a connection: TCP, or a Unix socket. A peer that does not read is given up after a while, and connected to anew with the next lines.
 *
 * @module
 */
import { connect, type Socket } from 'node:net';
import type { Output } from './line-sink.ts';

export type StreamAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * @param timeoutMs - to connect, and for the peer to take what is written.
 * @param framed - what goes out for some lines; absent: they themselves.
 */
export function makeStreamOutput(
  address: StreamAddress,
  timeoutMs: number,
  framed: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Output {
  let socket: Socket | undefined;

  function open(): Promise<void> {
    if (socket && !socket.destroyed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const opened = connect(address);
      const late = setTimeout(
        () => opened.destroy(new Error(`no connection within ${timeoutMs} ms`)),
        timeoutMs,
      );
      opened.setKeepAlive(true);
      // What it answers nobody wants to know.
      opened.resume();
      opened.unref();
      opened.once('connect', () => {
        clearTimeout(late);
        socket = opened;
        resolve();
      });
      opened.on('error', reject);
      opened.once('close', () => {
        clearTimeout(late);
        if (socket === opened) socket = undefined;
        reject(new Error('the connection was closed'));
      });
    });
  }

  async function write(bytes: Buffer): Promise<void> {
    await open();
    const to = socket!;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => to.destroy(new Error(`not taken within ${timeoutMs} ms`)), timeoutMs);
      const closed = (error?: unknown): void => {
        clearTimeout(late);
        reject(error instanceof Error ? error : new Error('the connection was closed'));
      };
      to.once('error', closed);
      to.once('close', closed);
      to.write(framed(bytes), (error) => {
        clearTimeout(late);
        to.off('error', closed);
        to.off('close', closed);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  async function close(): Promise<void> {
    const closing = socket;
    socket = undefined;
    if (!closing) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => closing.destroy(), timeoutMs);
      closing.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      closing.end();
    });
  }

  return {
    open,
    write,
    close,
    async reopen() {
      await close();
      await open();
    },
  };
}
