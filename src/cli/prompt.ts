/**
 * Asking a person for something that must not be seen.
 *
 * @module
 */
import type { Streams } from './terminal.ts';

const INTERRUPT = '\u0003';
const END = '\u0004';
const ERASE = ['\u007f', '\b'];
const KILL_LINE = '\u0015';

/**
 * Reads one line from the terminal without showing it.
 * @param write - shows the question and, at the end, the line break that was not echoed.
 * @throws Error where standard input is no terminal, and for Control-C.
 */
export async function askHidden(
  question: string,
  streams: Streams,
  write: (text: string) => void,
): Promise<string> {
  const { stdin } = streams;
  if (!stdin.isTTY || !stdin.setRawMode) {
    write(`${question}\n`);
    throw new Error('file descriptor 0 is not a terminal');
  }
  // First of all: who answers as soon as the question is there must not be shown either.
  stdin.setRawMode(true);
  try {
    write(question);
    return await readLine(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    write('\n');
  }
}

function readLine(stdin: Streams['stdin']): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = '';
    const done = (finish: () => void) => {
      stdin.off('data', take);
      stdin.off('end', end);
      finish();
    };
    const end = () => done(() => resolve(line));
    const take = (chunk: Buffer) => {
      for (const char of chunk.toString('utf8')) {
        if (char === INTERRUPT) return done(() => reject(new Error('interrupted')));
        if (char === '\r' || char === '\n' || char === END) return end();
        if (char === KILL_LINE) line = '';
        else if (ERASE.includes(char)) line = [...line].slice(0, -1).join('');
        else line += char;
      }
    };
    stdin.on('data', take);
    stdin.on('end', end);
    stdin.resume();
  });
}
