/**
 * What an audit device is to the trail: it makes lines of entries, and takes lines.
 *
 * @module
 */
import type { Formatter } from './formatter.ts';
import type { LineSink } from './line-sink.ts';
import type { Selection } from './selection.ts';

export interface AuditDevice extends LineSink, Selection {
  readonly type: 'file' | 'socket' | 'syslog' | 'http';
  readonly formatter: Formatter;
  /** What `sys/audit-hash` answers: `hmac-sha256:` and hex. */
  hash(input: string): string;
  /**
   * The file that it writes to; absent where it writes to none.
   * @throws CodedError `bad_request` where what stands in it is not to be shown, or the file may be none of an audit log.
   */
  readonly ownFile?: () => Promise<string>;
}
