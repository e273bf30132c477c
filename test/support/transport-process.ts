/**
 * A node of the transport as a process of its own, for tests that kill one. Started by `fork`: says where it is, then answers `echo …` with
 * the same bytes and anything else never.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { openIdentity } from '../../src/cluster/transport/identity.ts';
import { readClusterSecrets } from '../../src/cluster/transport/secret.ts';
import { makeClusterTransport } from '../../src/cluster/transport/transport.ts';
import { SILENT_LOG } from '../../src/model/log.ts';
import type { PeerAddress } from '../../src/model/transport.ts';
import { systemClock } from '../../src/system-clock.ts';

const [folder = '', secretFile = '', listen = ''] = process.argv.slice(2);
const transport = makeClusterTransport({
  identity: await openIdentity(folder, randomBytes),
  listen,
  secrets: () => readClusterSecrets(secretFile),
  speaks: { min: 1, max: 1 },
  protocol: () => 1,
  isBarred: () => false,
  clock: systemClock,
  randomBytes,
  log: SILENT_LOG,
});
transport.onRequest(({ bytes }) =>
  Buffer.from(bytes).toString('latin1', 0, 4) === 'echo' ? bytes : new Promise<Uint8Array>(() => {}),
);
await transport.start();
process.on('message', (peers: PeerAddress[]) => transport.keep(peers));
process.once('disconnect', () => process.exit(0));
process.send?.({ peer: transport.peer, addresses: [transport.address()!] } satisfies PeerAddress);
