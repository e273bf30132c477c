/**
 * The client inside the test's own process: as the program is, but for the 100 ms that starting one takes.
 *
 * @module
 */
import { PassThrough, Readable } from 'node:stream';
import { runCli } from '../../src/cli/main.ts';

export interface Outcome {
  exit: number;
  stdout: string;
  stderr: string;
}

/** Runs one command with no terminal. `env` is all the environment it sees. */
export async function runInProcess(
  args: string[],
  env: Record<string, string>,
  stdin = '',
): Promise<Outcome> {
  const stdout = collector();
  const stderr = collector();
  const streams = {
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
  };
  const exit = await runCli(args, env, streams);
  return { exit, stdout: stdout.text(), stderr: stderr.text() };
}

/** A stream and what was written to it. */
export function collector(): { stream: PassThrough; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    stream,
    text: () => {
      // What was written last may not have come out as an event yet.
      for (let chunk = stream.read() as Buffer | null; chunk; chunk = stream.read() as Buffer | null)
        chunks.push(chunk);
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}
