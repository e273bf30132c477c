/**
 * The transport as the rest of the cluster's code sees it, and what it has to be given.
 *
 * @module
 */
import type { Clock } from '../../model/clock.ts';
import type { Log } from '../../model/log.ts';
import type { PeerId, Transport } from '../../model/transport.ts';
import type { Speaks } from './admission.ts';
import type { Identity } from './identity.ts';
import type { LinkCounts } from './link.ts';

export interface ClusterTransportOptions {
  readonly identity: Identity;
  /** `host:port` to listen at; port 0 takes any. Absent: nobody can dial us. */
  readonly listen?: string;
  /** The cluster's secrets, all of which are accepted, asked anew for each admission. None: nobody is admitted. */
  secrets(): readonly Uint8Array[];
  readonly speaks: Speaks;
  /** The version that messages are written by now: the view's. */
  protocol(): number;
  /** Was that identity removed from the cluster? It never comes back. */
  isBarred(peer: PeerId): boolean;
  /** With `approve`: has an operator admitted it? Everybody who proves the secret where absent. */
  isAdmitted?(peer: PeerId): boolean;
  /** Someone proved the secret who waits for an operator's approval. May come often for one and the same. */
  onApplicant?(peer: PeerId, host: string): void;
  readonly clock: Clock;
  /** Cryptographically random. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly log: Log;
}

export interface TransportCounts extends LinkCounts {
  readonly links: number;
  /** Links that were given up for another one to the same peer, and end what runs over them. */
  readonly retiring: number;
  /** Connections that have not been admitted yet. */
  readonly strangers: number;
  /** Admissions that were refused or broke off, both ways, since the start. */
  readonly refused: number;
}

export interface ClusterTransport extends Transport {
  /** Where it listens, `host:port`, once started; undefined where it does not. */
  address(): string | undefined;
  /** To be called after secrets, barred or admitted identities have changed: ends the links that would not be admitted any more. */
  reconsider(): void;
  counts(): TransportCounts;
  /** Identities of others that libp2p remembers. Strangers are not among them for long. */
  known(): Promise<number>;
}
