/**
 * `monitor`: the log of the server that is asked, until Ctrl-C.
 *
 * @module
 */
import { once } from 'node:events';
import { command, expectArguments } from '../command.ts';
import { described, LOCAL, localFailure } from '../failure.ts';
import { stringFlag } from '../flags.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

export const monitor = command({
  usage: 'monitor [options]',
  about: `
Shows the log of the server as it is written, until Ctrl-C: from -log-level on, whatever the server itself writes.
What is written faster than it is read is dropped, and how much of it is said.

    $ vault monitor
    $ vault monitor -log-level=debug -log-format=json`,
  flags: {
    'log-level': stringFlag('From which level on: trace, debug, info, warn or error.', { absent: 'info' }),
    'log-format': stringFlag('"standard" or "json".', { absent: 'standard' }),
  },
  async run({ args, flags, client: connect, terminal: { streams } }) {
    expectArguments(args, 0);
    const level = flags['log-level'].toLowerCase();
    if (!LEVELS.includes(level)) {
      throw localFailure(`${level} is an unknown log level. Valid log levels are: [${LEVELS.join(' ')}]`);
    }
    const client = await connect();
    const stop = new AbortController();
    const query = new Map([
      ['log_format', [flags['log-format']]],
      ['log_level', [level]],
    ]);
    const end = () => stop.abort();
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    try {
      const lines = await client.stream({ method: 'GET', path: 'sys/monitor', query }, stop.signal);
      for await (const chunk of lines) {
        // A terminal that is stopped is waited for; the server then drops lines and says so.
        if (!streams.stdout.write(chunk)) await once(streams.stdout, 'drain');
      }
    } catch (error) {
      if (!stop.signal.aborted) throw described('Error starting monitor', error, LOCAL);
    } finally {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
    }
    return 0;
  },
});
