/**
 * Who comes in: strangers are bounded in number and time, and who is turned away hears no more than the verdict.
 *
 * @module
 */
import type {
  Connection,
  ConnectionGater,
  MultiaddrConnection,
  PeerId as TheirPeerId,
} from '@libp2p/interface';
import { SECOND_MS } from '../../model/limits.ts';
import type { PeerId } from '../../model/transport.ts';
import { hostOf } from './address.ts';
import { AdmissionRefused, type OtherSide, type Verdict } from './admission.ts';
import type { Links } from './links.ts';
import type { Strangers } from './strangers.ts';
import { choose } from './tie.ts';
import type { ClusterTransportOptions } from './transport-interface.ts';

export interface GateOptions
  extends Pick<
    ClusterTransportOptions,
    'identity' | 'isBarred' | 'isAdmitted' | 'onApplicant' | 'clock' | 'log'
  > {
  readonly strangers: Strangers;
  readonly links: Links;
}

export interface Gate {
  /** What libp2p asks of each connection before we hear of it. */
  readonly gater: ConnectionGater;
  mayCome(peer: PeerId): boolean;
  /** Of one who has proven the secret. */
  judge(connection: Connection, peer: PeerId, other: OtherSide): Verdict;
  /** @param error - why; where it is no verdict the connection ends at once. */
  turnAway(connection: Connection, error: Error): void;
  /** An admission was refused or broke off. */
  countRefused(): void;
  /** How many did, since the start. */
  refused(): number;
}

export function makeGate(options: GateOptions): Gate {
  const { clock, log, links, strangers, isBarred } = options;
  const own = options.identity.peer;
  let refused = 0;
  let lastRefusalSaidMs = Number.NEGATIVE_INFINITY;

  function mayCome(peer: PeerId): boolean {
    return !isBarred(peer) && (options.isAdmitted?.(peer) ?? true);
  }

  function judge(connection: Connection, peer: PeerId, other: OtherSide): Verdict {
    if (isBarred(peer)) return 'barred';
    if (!mayCome(peer)) {
      options.onApplicant?.(peer, hostOf(connection));
      return 'awaits_approval';
    }
    const choice = choose(own, peer, links.get(peer), { ...other, dialedByUs: false });
    return choice === 'decline' ? 'duplicate' : 'admitted';
  }

  function turnAway(connection: Connection, error: Error): void {
    const peer = connection.remotePeer.toString();
    const verdict = error instanceof AdmissionRefused ? error.verdict : undefined;
    if (verdict !== 'duplicate') refused++;
    // The others have proven the secret: they may ask again as often as they like.
    if (verdict === undefined || verdict === 'wrong_secret' || verdict === 'barred') strangers.failed(peer);
    const now = clock.monotonicMs();
    // Strangers must not fill the log.
    const isLoud = verdict !== 'duplicate' && now - lastRefusalSaidMs >= SECOND_MS;
    if (isLoud) lastRefusalSaidMs = now;
    const said = { peer, host: hostOf(connection), why: error.message };
    log[isLoud ? 'warn' : 'debug']('a peer was not admitted', said);
    if (verdict === undefined) {
      connection.abort(error);
      return;
    }
    // An honest peer hangs up when it has read the verdict, which closing from here would overtake.
    const late = clock.after(() => connection.abort(error), SECOND_MS);
    connection.addEventListener('close', () => late.clear());
  }

  return {
    gater: makeGater(strangers, isBarred),
    mayCome,
    judge,
    turnAway,
    countRefused() {
      refused++;
    },
    refused: () => refused,
  };
}

function makeGater(strangers: Strangers, isBarred: (peer: PeerId) => boolean): ConnectionGater {
  return {
    denyDialMultiaddr: () => false,
    denyInboundConnection(raw: MultiaddrConnection) {
      if (!strangers.enter(raw.timeline, hostOf(raw))) return true;
      raw.addEventListener('close', () => strangers.leave(raw.timeline));
      return false;
    },
    denyInboundEncryptedConnection(peer: TheirPeerId) {
      const name = peer.toString();
      return peer.type !== 'Ed25519' || isBarred(name) || strangers.isPaused(name);
    },
    denyOutboundEncryptedConnection: (peer: TheirPeerId) => isBarred(peer.toString()),
  };
}
