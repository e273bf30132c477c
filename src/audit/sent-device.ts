/**
 * The audit devices that send their lines: `socket`, `syslog` and `http`. Each has its own queue, and what waits in it is bounded.
 *
 * @module
 */
import { hostname } from 'node:os';
import { badRequest } from '../model/errors.ts';
import { AUDIT_DATAGRAM_BYTES_MAX } from '../model/limits.ts';
import { rfc3339 } from '../model/time.ts';
import { type ChainOptions, makeChain } from './chain.ts';
import { linesIn, makeDatagramOutput } from './datagram-output.ts';
import type { AuditDevice } from './device.ts';
import { makeHttpOutput } from './http-output.ts';
import { makeLineSink, type Output } from './line-sink.ts';
import { makeLoggerOutput } from './logger-output.ts';
import { rendering } from './rendering.ts';
import {
  parseHttpOptions,
  parseSocketOptions,
  parseSyslogOptions,
  type SyslogOptions,
} from './sent-options.ts';
import { makeStreamOutput } from './stream-output.ts';

export interface SentDeviceOptions {
  readonly type: 'socket' | 'syslog' | 'http';
  readonly options: Readonly<Record<string, string>>;
  readonly salt: string;
  readonly chain?: ChainOptions;
  /** Of util-linux; for tests. */
  readonly loggerProgram?: string;
}

/** @throws CodedError `bad_request` naming the option that is wrong. */
export function makeSentDevice(device: SentDeviceOptions): AuditDevice {
  const { type, chain } = device;
  const rendered = rendering(device.options, device.salt);
  const { output, lineBytesMax } = outputOf(device);
  const sink = makeLineSink(output, {
    makeLinker: chain && ((turns) => makeChain(chain, output, turns)),
    lineBytesMax,
  });
  return {
    type,
    ...rendered,
    ...sink,
    async open() {
      try {
        await sink.open();
      } catch (error) {
        throw badRequest(
          `sanity check failed; unable to reach it: ${(error as NodeJS.ErrnoException).code ?? 'no answer'}`,
          {
            cause: error,
          },
        );
      }
    },
  };
}

function outputOf({ type, options, loggerProgram }: SentDeviceOptions): {
  output: Output;
  lineBytesMax?: number;
} {
  if (type === 'http') return { output: makeHttpOutput(parseHttpOptions(options)) };
  if (type === 'socket') {
    const parsed = parseSocketOptions(options);
    if (parsed.kind === 'stream') return { output: makeStreamOutput(parsed.to, parsed.timeoutMs) };
    return { output: makeDatagramOutput(parsed.to), lineBytesMax: AUDIT_DATAGRAM_BYTES_MAX };
  }
  const parsed = parseSyslogOptions(options);
  const { to, timeoutMs } = parsed;
  if (!to) {
    const program = loggerProgram ?? '/usr/bin/logger';
    const output = makeLoggerOutput({ program, priority: parsed.priorityName, tag: parsed.tag, timeoutMs });
    return { output, lineBytesMax: AUDIT_DATAGRAM_BYTES_MAX };
  }
  const framed = (line: Buffer) => Buffer.concat([headOf(parsed), line]);
  if (to.kind === 'datagram') {
    return { output: makeDatagramOutput(to, framed), lineBytesMax: AUDIT_DATAGRAM_BYTES_MAX };
  }
  // Each message with its length before it (RFC 6587 §3.4.1).
  const counted = (bytes: Buffer) =>
    Buffer.concat(
      linesIn(bytes).flatMap((line) => {
        const message = framed(line);
        return [Buffer.from(`${message.length} `), message];
      }),
    );
  return { output: makeStreamOutput(to, timeoutMs, counted) };
}

/** RFC 5424 §6.2. */
function headOf({ priority, tag }: SyslogOptions): Buffer {
  return Buffer.from(`<${priority}>1 ${rfc3339(Date.now())} ${hostname() || '-'} ${tag} ${process.pid} - - `);
}
