/**
 * Requests through an HTTP proxy: plain ones are handed to it whole, for TLS ones it opens a tunnel (CONNECT).
 *
 * @module
 */
import http, { type ClientRequest, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { type Environment, readVariable } from './environment.ts';
import type { ServerAddress } from './request-url.ts';
import type { Exchange } from './transport.ts';

/** The proxy for `address`: Vault's own variables first, for every host; then the usual ones, never for this machine or NO_PROXY. */
export function chooseProxy(env: Environment, address: ServerAddress): URL | undefined {
  const own = readVariable(env, 'VAULT_PROXY_ADDR') || readVariable(env, 'VAULT_HTTP_PROXY');
  if (own !== '') return asUrl(own);
  const name = `${address.scheme}_proxy`;
  const usual = env[name.toUpperCase()] || env[name] || '';
  if (usual === '' || address.socketPath !== undefined || isLocal(address.hostname)) return undefined;
  const exceptions = (env.NO_PROXY || env.no_proxy || '').split(',').map((part) => part.trim().toLowerCase());
  return exceptions.some((exception) => covers(exception, address)) ? undefined : asUrl(usual);
}

function asUrl(text: string): URL {
  return new URL(text.includes('://') ? text : `http://${text}`);
}

function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '::1' || hostname.startsWith('127.');
}

function covers(exception: string, address: ServerAddress): boolean {
  if (exception === '*') return true;
  const name = exception.replace(/^\*?\./, '').replace(/:\d+$/, '');
  if (name === '') return false;
  const host = address.hostname.toLowerCase();
  const portFits = !/:\d+$/.test(exception) || exception.endsWith(`:${address.port}`);
  return portFits && (host === name || host.endsWith(`.${name}`));
}

/** Starts `request` through `proxy`. @throws where the proxy cannot be reached or refuses the tunnel. */
export async function throughProxy(
  proxy: URL,
  request: Exchange,
  options: RequestOptions,
  signal: AbortSignal,
): Promise<ClientRequest> {
  const { address } = request;
  const authorization = proxy.username
    ? {
        'Proxy-Authorization': `Basic ${Buffer.from(decodeURIComponent(`${proxy.username}:${proxy.password}`)).toString('base64')}`,
      }
    : {};
  const hop = { agent: false, host: proxy.hostname, port: Number(proxy.port || 80), signal } as const;
  if (address.scheme === 'http') {
    const headers = { ...(options.headers as Record<string, string>), ...authorization };
    return http.request({ ...options, ...hop, path: request.url, headers });
  }
  const authority = `${address.hostname}:${address.port}`;
  const socket = await tunnel(
    http.request({ ...hop, method: 'CONNECT', path: authority, headers: authorization }),
  );
  return https.request({
    ...options,
    servername: address.hostname,
    ...request.tls,
    socket,
    agent: false,
  } as RequestOptions);
}

function tunnel(connect: ClientRequest): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connect.once('connect', (reply, socket) => {
      if (reply.statusCode === 200) return resolve(socket as Socket);
      socket.destroy();
      reject(new Error(`proxyconnect tcp: the proxy answered ${reply.statusCode}`));
    });
    connect.once('error', (error) => reject(new Error(`proxyconnect tcp: ${error.message}`)));
    connect.end();
  });
}
