/**
 * libp2p's TLS 1.3, watched: what binds an admission to its connection, and that the keys were agreed on by X25519MLKEM768.
 *
 * libp2p hides the TLS socket from all but the connection it makes of it, so this wraps the encrypter and looks there. Should a
 * release move it, no connection gets a channel, and nobody is admitted.
 *
 * Its certificates are made anew for each connection and valid from an hour before: two nodes whose wall clocks differ by more than that
 * make no new connection. Links that stand are not touched by it.
 *
 * @module
 */
import type { TLSSocket } from 'node:tls';
import type { Connection, ConnectionEncrypter, MessageStream } from '@libp2p/interface';
import { tls } from '@libp2p/tls';

/** The one key agreement that we take: recorded traffic stays closed to a quantum computer. */
export const KEY_AGREEMENT = 'X25519MLKEM768';
const EXPORTER_LABEL = 'EXPORTER-coffer-cluster-admission';
const BINDING_BYTES = 32;

export interface Channel {
  /** TLS 1.3 exporter (RFC 8446 §7.5): 32 bytes, the same at both ends of this connection and nowhere else. */
  readonly binding: Uint8Array;
  /** As the dialer sees it. Node does not tell it to the listener, who has it from the dialer being one of us. */
  readonly keyAgreement: string | undefined;
}

/** By the raw connection's timeline: the one object that libp2p shows on the raw connection and on the upgraded one. */
const channels = new WeakMap<object, Channel>();

type TlsComponents = Parameters<ReturnType<typeof tls>>[0];

/** For libp2p's `connectionEncrypters`. */
export function boundTls(): (components: TlsComponents) => ConnectionEncrypter {
  return (components) => {
    const inner = tls()(components);
    const watched =
      (
        secure: ConnectionEncrypter['secureInbound'],
        isDialer: boolean,
      ): ConnectionEncrypter['secureInbound'] =>
      async (raw, options) => {
        const secured = await secure.call(inner, raw, options);
        try {
          channels.set(timelineOf(raw), look(secured.connection, isDialer));
        } catch (error) {
          raw.abort(error as Error);
          throw error;
        }
        return secured;
      };
    return {
      protocol: inner.protocol,
      secureInbound: watched(inner.secureInbound, false),
      secureOutbound: watched(inner.secureOutbound, true),
    };
  };
}

export function channelOf(connection: Connection): Channel | undefined {
  return channels.get(connection.timeline);
}

function timelineOf(raw: MessageStream): object {
  return raw.timeline;
}

function look(secured: unknown, isDialer: boolean): Channel {
  const { socket } = secured as { socket?: TLSSocket };
  if (socket?.getProtocol() !== 'TLSv1.3') throw new Error('the connection is not TLS 1.3');
  const binding = socket.exportKeyingMaterial(BINDING_BYTES, EXPORTER_LABEL, Buffer.alloc(0));
  if (!isDialer) return { binding, keyAgreement: undefined };
  const { name } = socket.getEphemeralKeyInfo() as { name?: string };
  if (name !== KEY_AGREEMENT) throw new Error(`keys agreed on by ${name}, not ${KEY_AGREEMENT}`);
  return { binding, keyAgreement: name };
}
