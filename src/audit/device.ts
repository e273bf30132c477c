/**
 * What an audit device is to the trail: it makes lines of entries, and takes lines.
 *
 * @module
 */
import type { Formatter } from './formatter.ts';
import type { LineSink } from './line-sink.ts';

export interface AuditDevice extends LineSink {
  readonly type: 'file';
  readonly formatter: Formatter;
  /** What `sys/audit-hash` answers: `hmac-sha256:` and hex. */
  hash(input: string): string;
}
