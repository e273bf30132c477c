/**
 * `cluster status`, `cluster whereis`, `cluster trace`, `cluster verify`: looking at the cluster.
 *
 * @module
 */
import type { JsonMap } from '../../model/json.ts';
import type { Client } from '../client.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { describing, remoteFailure } from '../failure.ts';
import { boolFlag } from '../flags.ts';
import { printData } from '../output.ts';
import { sanitizePath } from '../paths.ts';
import { readSecret, writeSecret } from '../secret-requests.ts';
import { statusText, traceText, verificationText, whereaboutsText } from './cluster-text.ts';

/** Reads `sys/cluster/<what>`. @throws CommandFailure */
export async function readCluster(client: Client, what: string): Promise<JsonMap> {
  const path = `sys/cluster/${what}`;
  const secret = await describing(`Error reading ${path}`, readSecret(client.with({ namespace: '' }), path));
  if (!secret?.data) throw remoteFailure(`Error reading ${path}: the answer is empty`);
  return secret.data;
}

async function show(run: Run, what: string, text: (found: JsonMap) => string): Promise<number> {
  const found = await readCluster(await run.client(), what);
  if (run.printer.format !== 'table') return printData(run.printer, found);
  run.terminal.output(text(found));
  return 0;
}

export const clusterStatus = command({
  usage: 'cluster status [options]',
  about: `
Shows the nodes of the cluster: their state, their share of the shards, how many changes of mounts and
policies each has yet to apply, and for how long nothing was heard of it. Any node answers.

    $ vault cluster status
    $ vault cluster status -format=json`,
  output: { format: true },
  async run(run) {
    expectArguments(run.args, 0);
    return show(run as unknown as Run, 'status', statusText);
  },
});

export const clusterWhereis = command({
  usage: 'cluster whereis [options] PATH',
  about: `
Says which node owns what PATH names, whether it has it in memory, and which other nodes hold a replica.
PATH is as in the API (secret/data/hello) or as kv takes it (secret/hello).

    $ vault cluster whereis secret/hello`,
  output: { format: true },
  async run(run) {
    expectArguments(run.args, 1);
    return show(run as unknown as Run, `whereis/${sanitizePath(run.args[0] as string)}`, whereaboutsText);
  },
});

export const clusterTrace = command({
  usage: 'cluster trace [options] PATH',
  about: `
Shows the way that a read of PATH takes from the node that is asked, step by step with times. A read goes
that way which is as all others, but reads no secret and changes nothing.

    $ vault cluster trace secret/hello`,
  output: { format: true },
  async run(run) {
    expectArguments(run.args, 1);
    return show(run as unknown as Run, `trace/${sanitizePath(run.args[0] as string)}`, traceText);
  },
});

export const clusterVerify = command({
  usage: 'cluster verify [options]',
  about: `
Compares what the nodes hold with each other and with the store: the catalog of mounts and policies, the
claims of the shards, and the store's head, which every node remembers in its own folder. A store that was
put back to an older state is noticed. The exit code is 0 where all is well, 2 where something is not.

    $ vault cluster verify

After a backup was put back on purpose:

    $ vault cluster verify -accept`,
  flags: { accept: boolFlag('What is stored is right: the nodes remember it from now on.') },
  output: { format: true },
  async run(run) {
    const { args, flags, printer, terminal } = run;
    expectArguments(args, 0);
    const client = (await run.client()).with({ namespace: '' });
    const asked = flags.accept
      ? writeSecret(client, 'sys/cluster/verify', { accept: true })
      : readSecret(client, 'sys/cluster/verify');
    const secret = await describing('Error verifying the cluster', asked);
    if (!secret?.data) throw remoteFailure('Error verifying the cluster: the answer is empty');
    if (printer.format === 'table') terminal.output(verificationText(secret.data));
    else await printData(printer, secret.data);
    return secret.data.get('good') === true ? 0 : 2;
  },
});
