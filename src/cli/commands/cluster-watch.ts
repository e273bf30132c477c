/**
 * `cluster watch`: the cluster, live. Where the node that is asked dies, the next one is asked.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments } from '../command.ts';
import { CommandFailure, described, messageOf, RequestDescribed } from '../failure.ts';
import { durationFlag, intFlag } from '../flags.ts';
import { encodeJson } from '../go-json.ts';
import { parseAddress } from '../request-url.ts';
import { ResponseError } from '../response-error.ts';
import { readSecret } from '../secret-requests.ts';
import { mapsOf, statusText, textOf } from './cluster-text.ts';

const SECOND_NS = 1_000_000_000n;
const ANSWER_MS = 3_000;
/** Home, then clear to the end of the screen: no flicker. */
const REDRAW = '\u001b[H\u001b[J';

export const clusterWatch = command({
  usage: 'cluster watch [options]',
  about: `
Shows the cluster as it changes, until Ctrl-C. On a terminal the picture is drawn anew each time; else a
line is written for each change. Where the node that is asked dies, another one is asked.

    $ vault cluster watch
    $ vault cluster watch -interval=200ms
    $ vault cluster watch -format=json`,
  flags: {
    interval: durationFlag('How often to look.', { absent: SECOND_NS }),
    count: intFlag('How many times to look; 0: until it is stopped.'),
  },
  output: { format: true },
  async run({ args, flags, client: connect, printer, terminal }) {
    expectArguments(args, 0);
    const waitMs = Math.max(50, Number(flags.interval / 1_000_000n));
    const isScreen = terminal.streams.stdout.isTTY === true && printer.format === 'table';
    let client = (await connect()).with({ namespace: '', retriesMax: 0, timeoutMs: ANSWER_MS });
    let others: string[] = [];
    let said = '';
    for (let n = 1; ; n++) {
      let status: JsonMap | undefined;
      try {
        status = await ask(client);
        others = othersOf(status);
      } catch (error) {
        if (isFinal(error)) throw described('Error watching the cluster', error);
        const next = others.shift();
        terminal.error(`${client.settings.address.host} does not answer: ${messageOf(error)}`);
        if (next !== undefined) client = client.with({ address: parseAddress(next) });
      }
      if (status && isScreen) terminal.streams.stdout.write(`${REDRAW}${statusText(status)}\n`);
      else if (status && printer.format !== 'table') terminal.output(encodeJson(status));
      else if (status) {
        const now = summary(status);
        if (now !== said) terminal.output(now);
        said = now;
      }
      if (flags.count > 0 && n >= flags.count) return status ? 0 : 2;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  },
});

async function ask(client: Client): Promise<JsonMap> {
  const secret = await readSecret(client, 'sys/cluster/status');
  if (!secret?.data) throw new Error('the answer is empty');
  return secret.data;
}

/** Another node would say the same. */
function isFinal(error: unknown): boolean {
  const isRefused = error instanceof ResponseError && error.status >= 400 && error.status < 500;
  return isRefused || error instanceof RequestDescribed || error instanceof CommandFailure;
}

function othersOf(status: JsonMap): string[] {
  const self = textOf(status, 'node_id');
  return mapsOf(status.get('nodes'))
    .filter((node) => textOf(node, 'node_id') !== self && textOf(node, 'state') === 'serving')
    .map((node) => textOf(node, 'api_addr'))
    .filter((address) => address !== '');
}

/** In one line, without what changes all the time. */
function summary(status: JsonMap): string {
  const nodes = mapsOf(status.get('nodes')).map(
    (node) => `${textOf(node, 'node_id')} ${textOf(node, 'state')} ${textOf(node, 'shards')}`,
  );
  return `epoch ${textOf(status, 'epoch')}, keeper ${textOf(status, 'keeper') || 'nobody'}: ${nodes.join(', ')}`;
}
