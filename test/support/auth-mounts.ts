/**
 * Auth methods of one Coffer in the test's own process, a mount for each test.
 *
 * @module
 */
import assert from 'node:assert/strict';
import type { CallReply } from './http.ts';
import { type InnerCoffer, startInnerCoffer } from './inner-coffer.ts';

export interface AuthMounts {
  readonly inner: InnerCoffer;
  ask(method: string, path: string, body?: unknown, token?: string): Promise<CallReply>;
  /** As `ask`, for what must succeed; gives the body. */
  well(method: string, path: string, body?: unknown, token?: string): Promise<CallReply['body']>;
  /** Status and texts of what must be refused. */
  refused(method: string, path: string, body?: unknown, token?: string): Promise<[number, string[]]>;
  /** Mounts the method at a path of its own. @returns `auth/<path>`. */
  mounted(config?: object): Promise<string>;
}

/** The token of who has none. */
export const NOBODY = '';

export async function startAuthMounts(type: string): Promise<AuthMounts> {
  const inner = await startInnerCoffer();
  let mounts = 0;
  const ask: AuthMounts['ask'] = (method, path, body, token) => inner.ask(method, path, body, token);
  const well: AuthMounts['well'] = async (method, path, body, token) => {
    const reply = await ask(method, path, body, token);
    assert(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text}`);
    return reply.body;
  };
  return {
    inner,
    ask,
    well,
    async refused(method, path, body, token) {
      const reply = await ask(method, path, body, token);
      assert(reply.status >= 400, `${method} ${path}: ${reply.status} ${reply.text}`);
      return [reply.status, reply.body.errors];
    },
    async mounted(config = {}) {
      const path = `${type}${++mounts}`;
      await well('POST', `sys/auth/${path}`, { type, config });
      return `auth/${path}`;
    },
  };
}
