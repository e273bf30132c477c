/**
 * A client of a running server that speaks under one token, and what tests ask again and again.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type CallOptions, type CallReply, call } from './http.ts';

/** Asks for a path without its `/v1/`. A body that is given goes as JSON; PATCH has its media type. */
export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  options?: Omit<CallOptions, 'token' | 'body'>,
) => Promise<CallReply>;

/** @param token - undefined: none is sent. */
export function asking(address: string, token: string | undefined = 'root'): Ask {
  return (method, path, body, options = {}) => {
    const headers: CallOptions['headers'] =
      method === 'PATCH'
        ? { 'content-type': 'application/merge-patch+json', ...options.headers }
        : options.headers;
    return call(address, method, `/v1/${path}`, { ...options, token, body, headers });
  };
}

/** As `ask`, where anything but 2xx fails the test. */
export async function succeed(ask: Ask, method: string, path: string, body?: unknown): Promise<CallReply> {
  const reply = await ask(method, path, body);
  assert(reply.status >= 200 && reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
  return reply;
}

export interface Made {
  readonly token: string;
  readonly accessor: string;
}

/** Makes a token at `auth/token/<how>`. */
export async function makeToken(ask: Ask, settings: object = {}, how = 'create'): Promise<Made> {
  const { body } = await succeed(ask, 'POST', `auth/token/${how}`, settings);
  return { token: body.auth.client_token, accessor: body.auth.accessor };
}

let policies = 0;

/** A token of the policy that is given as text, and of no other. */
export async function tokenWith(ask: Ask, policy: string): Promise<string> {
  const name = `test-${++policies}`;
  await succeed(ask, 'PUT', `sys/policies/acl/${name}`, { policy });
  return (await makeToken(ask, { policies: [name], no_default_policy: true })).token;
}
