/**
 * Answers that go on until somebody ends them.
 *
 * @module
 */
import { request } from 'node:http';

export interface LiveReply {
  /** 0 until there is a head. */
  status: number;
  /** What has come so far. */
  text: string;
  ended: boolean;
  leave(): void;
}

/** @param body - sent as JSON. */
export function liveReply(
  address: string,
  token: string,
  method: string,
  path: string,
  body?: object,
): LiveReply {
  const { hostname, port } = new URL(address);
  const headers = { 'x-vault-token': token };
  const sent = request({ hostname, port, method, path: `/v1/${path}`, agent: false, headers }, (response) => {
    reply.status = response.statusCode!;
    response.setEncoding('utf8').on('data', (chunk: string) => {
      reply.text += chunk;
    });
    response.on('end', () => {
      reply.ended = true;
    });
    response.on('error', () => {});
  });
  const reply: LiveReply = { status: 0, text: '', ended: false, leave: () => void sent.destroy() };
  sent.on('error', () => {});
  sent.end(body && JSON.stringify(body));
  return reply;
}
