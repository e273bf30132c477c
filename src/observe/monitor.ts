/**
 * The log for clients that look on (`sys/monitor`): what they do not read in time is dropped and counted, so that neither the log nor memory
 * waits for them.
 *
 * @module
 */
import type { Clock } from '../model/clock.ts';
import { CodedError } from '../model/errors.ts';
import {
  MONITOR_CHARS_WAITING_MAX,
  MONITOR_LINES_WAITING_MAX,
  MONITOR_LOOK_MS,
  MONITORS_MAX,
} from '../model/limits.ts';
import type { LogControl, LogFormat, LogLevel } from '../model/log.ts';
import type { ReplyStream, StreamOut } from '../model/request.ts';
import { makeLineWriter } from './log-lines.ts';

export interface MonitorOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** May its client still see this? Asked again and again. */
  stillGood(): Promise<boolean>;
}

/** @returns what makes the body of one reply. It throws CodedError `overloaded` where as many as may be look on already. */
export function makeMonitors(
  log: Pick<LogControl, 'format' | 'watch'>,
  clock: Pick<Clock, 'after' | 'wallMs'>,
): (options: MonitorOptions) => ReplyStream {
  let open = 0;
  return ({ level, format, stillGood }) => {
    if (open >= MONITORS_MAX) throw new CodedError('overloaded', 'too many clients monitor this node');
    // As in Vault: a log that is JSON is shown so.
    const shown = log.format === 'json' ? 'json' : format;
    return {
      contentType: shown === 'json' ? 'application/x-ndjson' : 'text/plain; charset=utf-8',
      start(out) {
        open++;
        const lines = linesTo(out);
        const say = makeLineWriter(shown, { write: lines.write }, clock.wallMs);
        lines.onDropped((count) => {
          say('warn', 'monitor', `Monitor dropped ${count} logs during monitor request`, undefined);
        });
        const watch = log.watch({ level, format: shown, write: lines.write });
        let looking = clock.after(look, MONITOR_LOOK_MS);
        function look(): void {
          stillGood().then(
            (isGood) => {
              if (isGood) looking = clock.after(look, MONITOR_LOOK_MS);
              else end();
            },
            // Sealed, or cut off from who could say it.
            end,
          );
        }
        function end(): void {
          say(
            'warn',
            'monitor',
            'it ends: the token is no longer good here, or the node no longer serves',
            undefined,
          );
          out.end();
        }
        return () => {
          open--;
          looking.clear();
          watch.stop();
          lines.stop();
        };
      },
    };
  };
}

interface Lines {
  /** Never waits: a line that does not fit is dropped. */
  write(line: string): void;
  /** @param tell - is to write a line that says how many were dropped just before it. */
  onDropped(tell: (count: number) => void): void;
  stop(): void;
}

function linesTo(out: StreamOut): Lines {
  const waiting: string[] = [];
  let chars = 0;
  let dropped = 0;
  let isBehind = false;
  let isOver = false;
  let tell = (_count: number): void => {};

  function tellDropped(): void {
    const count = dropped;
    dropped = 0;
    if (count > 0) tell(count);
  }

  function write(line: string): void {
    if (isOver) return;
    if (!isBehind) {
      isBehind = !out.write(line);
    } else if (
      waiting.length >= MONITOR_LINES_WAITING_MAX ||
      chars + line.length > MONITOR_CHARS_WAITING_MAX
    ) {
      dropped++;
    } else {
      // Where it belongs: after what came before, ahead of what comes after.
      tellDropped();
      waiting.push(line);
      chars += line.length;
    }
  }

  out.onDrain(() => {
    isBehind = false;
    while (!isBehind && waiting.length > 0) {
      const line = waiting.shift()!;
      chars -= line.length;
      isBehind = !out.write(line);
    }
    if (!isBehind) tellDropped();
  });

  return {
    write,
    onDropped(wanted) {
      tell = wanted;
    },
    stop() {
      isOver = true;
      waiting.length = 0;
    },
  };
}
