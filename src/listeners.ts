/**
 * The listeners of this node, started and stopped together, and what runs on them. How they answer is in force as the catalog has it.
 *
 * @module
 */
import { clientIdOf } from './auth/token/client-id.ts';
import type { Catalog } from './cluster/catalog.ts';
import type { InFlightRequest } from './engines/system/node-core.ts';
import type { InFlightRow } from './http/in-flight.ts';
import type { ListenerOptions } from './http/listener-options.ts';
import { type HttpServer, type HttpServerParts, makeHttpServer } from './http/server.ts';
import { CORS, type CorsSetting, UI_HEADER } from './model/settings.ts';

export interface ListenersOptions extends Omit<HttpServerParts, 'listener' | 'cors' | 'uiHeaders'> {
  readonly listeners: readonly ListenerOptions[];
  readonly catalog: Pick<Catalog, 'entries'>;
}

export interface Listeners {
  /** One after the other. @throws ListenError where an address cannot be had. */
  start(): Promise<void>;
  /** Those that listen by now. */
  all(): readonly HttpServer[];
  inFlight(): InFlightRequest[];
  /** Certificates anew. What cannot be read is logged, and what was in use stays so. */
  reloadTls(): void;
  stop(): Promise<void>;
}

export function makeListeners({ listeners, catalog, ...parts }: ListenersOptions): Listeners {
  const servers: HttpServer[] = [];
  const settings = catalogSettings(catalog);
  return {
    async start() {
      for (const listener of listeners) {
        const server = makeHttpServer({ ...parts, ...settings, listener });
        await server.start();
        servers.push(server);
      }
    },
    all: () => servers,
    inFlight: () => servers.flatMap((server) => [...server.inFlight()].map(inFlightRequest)),
    reloadTls() {
      for (const server of servers) {
        try {
          server.reloadTls();
        } catch (error) {
          const text = 'the certificate could not be read again; the one in use stays';
          parts.log.error(text, { error });
        }
      }
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

function catalogSettings(catalog: Pick<Catalog, 'entries'>): Pick<HttpServerParts, 'cors' | 'uiHeaders'> {
  return {
    cors: () => catalog.entries('settings').get(CORS) as CorsSetting | undefined,
    uiHeaders() {
      const headers: string[] = [];
      for (const [key, values] of catalog.entries('settings')) {
        if (!key.startsWith(UI_HEADER)) continue;
        for (const value of values as string[]) headers.push(key.slice(UI_HEADER.length), value);
      }
      return headers;
    },
  };
}

/** A row of the listener, as the system engine takes it. */
function inFlightRequest([id, row]: [string, InFlightRow]): InFlightRequest {
  return {
    id,
    receivedAtMs: Date.parse(row.start_time),
    remote: row.client_remote_address,
    path: row.request_path,
    method: row.request_method,
    clientId: row.askedBy ? clientIdOf(row.askedBy) : '',
  };
}
