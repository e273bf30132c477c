/**
 * Where a device's lines go. All lines of one turn of the event loop go out in one write; while that runs the next group collects. Where much has
 * collected, since the device was slow, it goes out in several: others get their turns in between.
 *
 * @module
 */
import { CodedError } from '../model/errors.ts';
import {
  AUDIT_GROUP_CHARS_MAX,
  AUDIT_GROUP_LINES_MAX,
  AUDIT_WAITING_CHARS_MAX,
  AUDIT_WAITING_LINES_MAX,
} from '../model/limits.ts';

export interface LineSink {
  /** Opens what there is to open, so that a wrong path shows. @throws Error */
  open(): Promise<void>;
  /** Resolves when the line, given without its end, is written: in the kernel's hands, not synced. Rejects when it is not, or not known to be. */
  write(line: string): Promise<void>;
  /** Waits so much that another line would be refused? Then it need not be made. */
  isFull(): boolean;
  /** Closes and opens again: the file was moved away. Lines meanwhile wait. @throws Error when it cannot be opened; a later write tries again. */
  reopen(): Promise<void>;
  /** Writes what waits, then closes. */
  close(): Promise<void>;
}

/** One way of putting bytes out. Calls never overlap, but for `sync`. */
export interface Output {
  open(): Promise<void>;
  /** @throws WriteBroke where it is known how much was written; any other error: it is not. */
  write(bytes: Buffer): Promise<void>;
  reopen(): Promise<void>;
  close(): Promise<void>;
  /** What was written survives a loss of power. Absent: nothing can be said of it. */
  sync?(): Promise<void>;
  /** The last bytes that are there, from the start of a line, at most `bytesMax`. Absent: what was written cannot be read. */
  tail?(bytesMax: number): Promise<Buffer>;
}

/** A write that ended early; `taken`: bytes that are out. */
export class WriteBroke extends Error {
  readonly taken: number;
  /** The cause's, such as `ENOSPC`. */
  readonly code: string | undefined;
  constructor(taken: number, cause: unknown) {
    super((cause as Error).message, { cause });
    this.name = 'WriteBroke';
    this.taken = taken;
    this.code = (cause as NodeJS.ErrnoException).code;
  }
}

/** What makes a chain of the lines. All but `out` in a turn of the sink: no other line goes out meanwhile. */
export interface Linker {
  /** Before the first line, and again where it failed. */
  begin(): Promise<void>;
  /** The bytes of these lines, each with its place and its end. */
  link(lines: readonly string[]): Buffer;
  /** The bytes given last are out. */
  out(): void;
  /** Of the bytes given last these many are out; undefined: nobody knows. */
  broke(bytes: Buffer, taken: number | undefined): void;
  /** The device is being closed: from now on nothing comes from it of its own accord, whether it has begun or not. */
  rest(): void;
  /** After the last line. Must not fail. */
  end(): Promise<void>;
}

/** What a linker may do beyond making bytes. */
export interface SinkTurns {
  /** Runs `act` when all that was begun before has ended. */
  inTurn<T>(act: () => Promise<T>): Promise<T>;
  /** Writes lines at once; only within a turn. */
  writeNow(lines: readonly string[]): Promise<void>;
}

interface Group {
  readonly lines: string[];
  chars: number;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const UNLINKED: Linker = {
  begin: async () => {},
  link: (lines) => Buffer.from(`${lines.join('\n')}\n`, 'utf8'),
  out: () => {},
  broke: () => {},
  rest: () => {},
  end: async () => {},
};

export interface LineSinkOptions {
  /** Absent: lines stand alone. */
  readonly makeLinker?: (turns: SinkTurns) => Linker;
  /** Longer lines are refused, before they can take others with them. Bytes of UTF-8. */
  readonly lineBytesMax?: number;
}

export function makeLineSink(
  output: Output,
  { makeLinker, lineBytesMax = Number.POSITIVE_INFINITY }: LineSinkOptions = {},
): LineSink {
  /** Oldest first. */
  const waiting: Group[] = [];
  let waitingChars = 0;
  let waitingLines = 0;
  let scheduled = false;
  let closed = false;
  let begun = false;
  /** The end of the last thing that was begun: calls on `output` stand in one queue. */
  let last: Promise<unknown> = Promise.resolve();
  const linker = makeLinker?.({ inTurn, writeNow }) ?? UNLINKED;

  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = last.then(act);
    last = result.catch(() => {});
    return result;
  }

  async function writeNow(lines: readonly string[]): Promise<void> {
    const bytes = linker.link(lines);
    try {
      await output.write(bytes);
    } catch (error) {
      linker.broke(bytes, error instanceof WriteBroke ? error.taken : undefined);
      throw error;
    }
    linker.out();
  }

  async function begin(): Promise<void> {
    await linker.begin();
    begun = true;
  }

  /** Never fails. */
  async function writeOldest(): Promise<void> {
    const group = waiting.shift();
    if (!group) return;
    try {
      if (!begun) await begin();
      await writeNow(group.lines);
      group.resolve();
    } catch (error) {
      group.reject(error);
    } finally {
      waitingChars -= group.chars;
      waitingLines -= group.lines.length;
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    void inTurn(async () => {
      await writeOldest();
      if (waiting.length > 0) schedule();
    });
  }

  /** The group that another line goes into. */
  function collecting(): Group {
    const last = waiting.at(-1);
    if (last && last.lines.length < AUDIT_GROUP_LINES_MAX && last.chars < AUDIT_GROUP_CHARS_MAX) return last;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const group: Group = { lines: [], chars: 0, done: promise, resolve, reject };
    waiting.push(group);
    return group;
  }

  const isFull = (): boolean =>
    waitingChars >= AUDIT_WAITING_CHARS_MAX || waitingLines >= AUDIT_WAITING_LINES_MAX;

  return {
    open: () => inTurn(() => output.open()),
    reopen: () => inTurn(() => output.reopen()),
    isFull,
    async close() {
      closed = true;
      linker.rest();
      await inTurn(async () => {
        while (waiting.length > 0) await writeOldest();
        if (begun) await linker.end();
        await output.close();
      });
    },
    write(line) {
      if (closed) return Promise.reject(new Error('the audit device is closed'));
      if (line.length * 3 > lineBytesMax && Buffer.byteLength(line) > lineBytesMax)
        return Promise.reject(new Error(`a line of more than ${lineBytesMax} bytes`));
      if (waitingChars + line.length > AUDIT_WAITING_CHARS_MAX || isFull()) {
        return Promise.reject(new CodedError('overloaded', 'too much waits for the audit device'));
      }
      const group = collecting();
      group.lines.push(line);
      group.chars += line.length + 1;
      waitingChars += line.length + 1;
      waitingLines += 1;
      schedule();
      return group.done;
    },
  };
}
