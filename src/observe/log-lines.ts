/**
 * A line of the operator's log as text: JSON with the names that Vault's have, or Vault's "standard".
 *
 * @module
 */
import { type DestinationStream, pino } from 'pino';
import type { LogFormat, LogLevel } from '../model/log.ts';

/** @param fields - as they may be shown. */
export type LineWriter = (
  level: LogLevel,
  name: string,
  message: string,
  fields: Record<string, unknown> | undefined,
) => void;

/** @param now - wall clock, ms. */
export function makeLineWriter(format: LogFormat, stream: DestinationStream, now: () => number): LineWriter {
  return format === 'json' ? jsonWriter(stream, now) : standardWriter(stream, now);
}

/** The member names are those of Vault's JSON log. */
function jsonWriter(stream: DestinationStream, now: () => number): LineWriter {
  const logger = pino(
    {
      level: 'trace',
      base: null,
      messageKey: '@message',
      formatters: { level: (label) => ({ '@level': label }) },
      timestamp: () => `,"@timestamp":"${timestamp(now())}"`,
    },
    stream,
  );
  return (level, name, message, fields) => {
    logger[level]({ ...(name === '' ? {} : { '@module': name }), ...fields }, message);
  };
}

const TAGS: Record<LogLevel, string> = {
  trace: '[TRACE]',
  debug: '[DEBUG]',
  info: '[INFO] ',
  warn: '[WARN] ',
  error: '[ERROR]',
};

/** `2026-11-22T03:44:35.994Z [INFO]  core: unsealed: threshold=3` */
function standardWriter(stream: DestinationStream, now: () => number): LineWriter {
  return (level, name, message, fields) => {
    const parts = Object.entries(fields ?? {}).map(([key, value]) => `${key}=${standardValue(value)}`);
    const where = name === '' ? '' : `${name}: `;
    const what = parts.length === 0 ? message : `${message}: ${parts.join(' ')}`;
    stream.write(`${timestamp(now())} ${TAGS[level]} ${where}${what.replaceAll('\n', '\n  | ')}\n`);
  };
}

function standardValue(value: unknown): string {
  if (typeof value !== 'string') return typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
