/**
 * Where a device's lines go. All lines of one turn of the event loop go out in one write; while that runs the next group collects.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import { AUDIT_WAITING_CHARS_MAX } from '../model/limits.ts';

export interface LineSink {
  /** Opens what there is to open, so that a wrong path shows. @throws Error */
  open(): Promise<void>;
  /** Resolves when the line, given without its end, is written: in the kernel's hands, not synced. Rejects when it is not, or not known to be. */
  write(line: string): Promise<void>;
  /** Closes and opens again: the file was moved away. Lines meanwhile wait. @throws Error when it cannot be opened; a later write tries again. */
  reopen(): Promise<void>;
  /** Writes what waits, then closes. */
  close(): Promise<void>;
}

/** One way of putting bytes out. Calls never overlap. */
export interface Output {
  open(): Promise<void>;
  write(bytes: Buffer): Promise<void>;
  reopen(): Promise<void>;
  close(): Promise<void>;
}

interface Group {
  text: string;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function makeLineSink(output: Output): LineSink {
  let waiting: Group | undefined;
  let waitingChars = 0;
  let scheduled = false;
  let closed = false;
  /** The end of the last thing that was begun: calls on `output` stand in one queue. */
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = last.then(act);
    last = result.catch(() => {});
    return result;
  }

  function flush(): void {
    scheduled = false;
    inTurn(async () => {
      const group = waiting;
      if (!group) return;
      waiting = undefined;
      try {
        await output.write(Buffer.from(group.text, 'utf8'));
        group.resolve();
      } catch (error) {
        group.reject(error);
      } finally {
        waitingChars -= group.text.length;
      }
    }).catch(() => {});
  }

  return {
    open: () => inTurn(() => output.open()),
    reopen: () => inTurn(() => output.reopen()),
    async close() {
      closed = true;
      if (waiting) flush();
      await inTurn(() => output.close());
    },
    write(line) {
      if (closed) return Promise.reject(new Error('the audit device is closed'));
      if (waitingChars + line.length > AUDIT_WAITING_CHARS_MAX) {
        return Promise.reject(new CodedError('overloaded', 'too much waits for the audit device'));
      }
      if (!waiting) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        waiting = { text: '', done: promise, resolve, reject };
      }
      waiting.text += line;
      waiting.text += '\n';
      waitingChars += line.length + 1;
      if (!scheduled) {
        scheduled = true;
        setImmediate(flush);
      }
      return waiting.done;
    },
  };
}
