/**
 * `cluster drain`, `cluster remove`, `cluster approve`, `cluster identities`, `cluster secret`: changing who is part of the cluster.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { JsonMap } from '../../model/json.ts';
import { CLUSTER_SECRET_BYTES } from '../../model/limits.ts';
import type { Client } from '../client.ts';
import { command, expectArguments } from '../command.ts';
import { describing, localFailure, remoteFailure } from '../failure.ts';
import { boolFlag } from '../flags.ts';
import { display } from '../go-text.ts';
import { printData } from '../output.ts';
import { writeSecret } from '../secret-requests.ts';
import { table } from '../table.ts';
import { readCluster } from './cluster.ts';
import { listOf, mapsOf, textOf } from './cluster-text.ts';

const LOOK_MS = 250;

async function write(
  client: Client,
  what: string,
  body: { [key: string]: string | boolean },
): Promise<JsonMap> {
  const path = `sys/cluster/${what}`;
  const secret = await describing(
    `Error writing ${path}`,
    writeSecret(client.with({ namespace: '' }), path, body),
  );
  return secret?.data ?? new Map();
}

export const clusterDrain = command({
  usage: 'cluster drain [options] [NODE]',
  about: `
Has NODE give away all it owns and leave the cluster, so that it can be stopped without any request failing.
Without NODE it is the node that is asked. It serves again once it is started anew.

    $ vault cluster drain n2
    $ vault cluster drain -wait n2`,
  flags: {
    wait: boolFlag('Return once it is no member any more. Ask another node than the one that leaves.'),
  },
  async run({ args, flags, client: connect, terminal }) {
    expectArguments(args, 0, 1);
    const client = await connect();
    if (flags.wait) {
      const asked = textOf(await readCluster(client, 'status'), 'node_id');
      // It stops answering before it has left.
      if ((args[0] ?? asked) === asked)
        throw localFailure(`-wait: ${asked} is the node that is asked; ask another one (-address)`);
    }
    const node = textOf(
      await write(client, 'drain', args[0] === undefined ? {} : { node_id: args[0] }),
      'node_id',
    );
    while (flags.wait && (await isMember(client, node)))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    terminal.output(flags.wait ? `Success! ${node} has left` : `Success! ${node} is leaving`);
    return 0;
  },
});

async function isMember(client: Client, node: string): Promise<boolean> {
  const nodes = mapsOf((await readCluster(client, 'status')).get('nodes'));
  return nodes.some((one) => textOf(one, 'node_id') === node && one.get('member') === true);
}

export const clusterRemove = command({
  usage: 'cluster remove [options] NODE',
  about: `
Removes NODE for good: its identity is barred, its shards go to the others, and none of them will talk to
it again. NODE is a node id or a peer id. Removing does not take back what it knew: if it may be in wrong
hands, also renew the cluster secret, change its passwords for the store, and rotate what it held.

    $ vault cluster remove n3`,
  async run({ args, client: connect, terminal }) {
    expectArguments(args, 1);
    const removed = await write(await connect(), 'remove', { node: args[0] as string });
    terminal.output(
      `Success! Removed ${textOf(removed, 'node_id') || 'the node'} for good: ${textOf(removed, 'peer_id')}`,
    );
    return 0;
  },
});

export const clusterApprove = command({
  usage: 'cluster approve [options] PEER_ID',
  about: `
Admits a new node, where the configuration says cluster { approve = true }. The new node's log shows its
peer id: compare the whole of it.

    $ vault cluster identities
    $ vault cluster approve 12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp`,
  async run({ args, client: connect, terminal }) {
    expectArguments(args, 1);
    await write(await connect(), 'approve', { peer_id: args[0] as string });
    terminal.output(`Success! Admitted ${args[0]}`);
    return 0;
  },
});

export const clusterIdentities = command({
  usage: 'cluster identities [options]',
  about: `
Lists the identities that were admitted, were removed for good, or wait to be admitted.

    $ vault cluster identities`,
  output: { format: true },
  async run({ args, client: connect, printer, terminal }) {
    expectArguments(args, 0);
    const found = await readCluster(await connect(), 'identities');
    if (printer.format !== 'table') return printData(printer, found);
    const rows = ['applicants', 'approved', 'barred'].flatMap((kind) =>
      mapsOf(found.get(kind)).map((one) => [
        kind === 'applicants' ? 'waits' : kind === 'barred' ? 'removed' : 'admitted',
        textOf(one, 'peer_id'),
        textOf(one, 'node_id'),
        textOf(one, 'time'),
      ]),
    );
    if (found.get('approval_needed') !== true)
      terminal.output('Whoever knows the cluster secret is admitted, unless removed.');
    if (rows.length > 0) terminal.output(table([['State', 'Peer ID', 'Node', 'Since'], ...rows]));
    return 0;
  },
});

export const clusterSecret = command({
  usage: 'cluster secret [options]',
  about: `
Makes a cluster secret and prints it; nothing is asked of any server. All nodes need the same one, in a file
that only the server's user may read. Whoever has it may join: keep it as you keep an unseal share.

    $ vault cluster secret > cluster.secret && chmod 600 cluster.secret

"cluster secret rotate" renews the one that a cluster uses.`,
  async run({ args, terminal }) {
    expectArguments(args, 0);
    terminal.output(randomBytes(CLUSTER_SECRET_BYTES).toString('base64'));
    return 0;
  },
});

export const clusterSecretRotate = command({
  usage: 'cluster secret rotate [options]',
  about: `
Renews the cluster secret: every node writes the new one to its secret file, then forgets the old one. All
nodes must be there, and may write their files; a node that was away needs the new file by hand.

    $ vault cluster secret rotate`,
  async run({ args, client: connect, terminal }) {
    expectArguments(args, 0);
    const nodes = listOf((await write(await connect(), 'secret/rotate', {})).get('nodes')).map(display);
    if (nodes.length === 0) throw remoteFailure('no node has answered');
    terminal.output(`Success! Renewed the secret on ${nodes.join(', ')}`);
    return 0;
  },
});
