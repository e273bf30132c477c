/**
 * Lines sent as datagrams over UDP, one each. That one arrived nobody knows; where nobody listens the machine may say so, later.
 *
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Output } from './line-sink.ts';

/** @param framed - the datagram of one line, without its end; absent: the line. */
export function makeDatagramOutput(
  { host, port }: { readonly host: string; readonly port: number },
  framed: (line: Buffer) => Buffer = (line) => line,
): Output {
  let socket: Socket | undefined;
  let refused: Error | undefined;

  async function open(): Promise<void> {
    if (socket) return;
    const { address } = await lookup(host);
    const opened = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    opened.unref();
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => {
        opened.close();
        reject(error);
      };
      opened.once('error', failed);
      opened.connect(port, address, (error?: Error) => {
        opened.off('error', failed);
        if (error) failed(error);
        else resolve();
      });
    });
    opened.on('error', (error) => {
      refused = error;
    });
    socket = opened;
  }

  async function close(): Promise<void> {
    const closing = socket;
    socket = undefined;
    if (closing) await new Promise<void>((resolve) => closing.close(() => resolve()));
  }

  return {
    open,
    async write(bytes) {
      await open();
      if (refused) {
        const error = refused;
        refused = undefined;
        await close();
        throw error;
      }
      const to = socket!;
      for (const line of linesIn(bytes)) {
        await new Promise<void>((resolve, reject) => {
          to.send(framed(line), (error) => (error ? reject(error) : resolve()));
        });
      }
    },
    close,
    async reopen() {
      await close();
      await open();
    },
  };
}

/** Without their ends. */
export function linesIn(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}
