/**
 * `cluster demo`.
 *
 * @module
 */
import { NODES_MAX } from '../../model/limits.ts';
import { command, expectArguments, type Run } from '../command.ts';
import { CommandFailure, messageOf } from '../failure.ts';
import { type FlagTable, intFlag, stringFlag } from '../flags.ts';

const flags = {
  nodes: intFlag('How many nodes.', { absent: 3 }),
  'root-token-id': stringFlag('The root token. One is drawn where this is not given.'),
  'base-port': intFlag(
    'First port. Each node takes two: one for clients, and the next for the other nodes.',
    {
      absent: 8200,
    },
  ),
  etcd: stringFlag('Keep data in this etcd, such as "127.0.0.1:2379", instead of the embedded store.'),
  consul: stringFlag('Keep data in this Consul, such as "127.0.0.1:8500".'),
} satisfies FlagTable;

export const clusterDemo = command({
  usage: 'cluster demo [options]',
  about: `
Starts a cluster on this machine for a first look: initialised, unsealed, with a key-value engine at secret/. It
needs nothing installed. Ctrl-C ends all nodes and removes what they kept.

    $ vault cluster demo
    $ vault cluster demo -nodes=5 -root-token-id=root -base-port=8300
    $ vault cluster demo -etcd=http://127.0.0.1:2379 -format=json`,
  flags,
  output: { format: true },
  async run(run) {
    expectArguments(run.args, 0);
    const options = optionsOf(run);
    const end = new AbortController();
    const stop = () => end.abort();
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, stop);
    try {
      const { runDemo } = await import('../../machine/demo.ts');
      return await runDemo({ ...options, end: end.signal });
    } catch (error) {
      throw new CommandFailure(1, `The demo could not start: ${messageOf(error)}`);
    } finally {
      for (const signal of signals) process.off(signal, stop);
    }
  },
});

function optionsOf({ flags: given, env, program, printer, terminal }: Run<typeof flags>) {
  const { nodes, 'base-port': basePort, etcd, consul } = given;
  if (nodes < 1 || nodes > NODES_MAX)
    throw new CommandFailure(1, `-nodes: expected a number from 1 to ${NODES_MAX}`);
  const last = basePort + 2 * nodes - 1;
  if (basePort < 1 || last > 65_535)
    throw new CommandFailure(1, '-base-port: expected a port with room for all nodes above it');
  if (etcd !== '' && consul !== '') throw new CommandFailure(1, 'expected -etcd or -consul, not both');
  const type = etcd === '' ? ('consul' as const) : ('etcd' as const);
  const address = addressOf(type, etcd || consul);
  return {
    nodes,
    basePort,
    rootTokenId: given['root-token-id'] || undefined,
    ...(address === '' ? {} : { store: { type, address } }),
    format: printer.format === 'table' ? ('text' as const) : ('json' as const),
    program: env.COFFER_PROGRAM ?? `bin/${program}`,
    env,
    stdout: terminal.streams.stdout,
    stderr: terminal.streams.stderr,
  };
}

/** With its scheme; several of etcd with commas between them. @throws CommandFailure */
export function addressOf(type: 'etcd' | 'consul', given: string): string {
  if (given === '') return '';
  const found = given.split(',').map((each) => {
    const one = each.trim().replace(/\/+$/, '');
    return one.includes('://') ? one : `http://${one}`;
  });
  const isOne = (url: string) => URL.canParse(url) && /^https?:\/\/[^/@?#\s]+$/.test(url);
  if (!found.every(isOne) || (type === 'consul' && found.length > 1)) {
    const like = type === 'etcd' ? '127.0.0.1:2379' : '127.0.0.1:8500';
    const what = type === 'etcd' ? 'one or more addresses' : 'an address';
    throw new CommandFailure(1, `-${type}: expected ${what} such as "${like}" or "http://${like}"`);
  }
  return found.join(',');
}
