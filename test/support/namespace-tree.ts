/**
 * Namespaces beside and below each other, with one policy in each, for tests of who reaches from where into which.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { type CallReply, call } from './http.ts';
import { type InnerCoffer, startInnerCoffer } from './inner-coffer.ts';

/** @param token - the root token where absent. */
export type AskTree = (
  method: string,
  path: string,
  options?: { token?: string; body?: unknown },
) => Promise<CallReply>;

/** For the whole file: `na/`, `nb/`, and `na/sub/`, with the policy `name` in each of them and in the root namespace. */
export function namespaceTree(name: string, policy: string): AskTree {
  let inner: InnerCoffer;
  const ask: AskTree = (method, path, { token = inner.root, body } = {}) =>
    call(inner.address, method, `/v1/${path}`, { token, body });
  before(async () => {
    inner = await startInnerCoffer();
    for (const path of ['sys/namespaces/na', 'sys/namespaces/nb', 'na/sys/namespaces/sub'])
      assert.equal((await ask('POST', path)).status, 200, path);
    for (const namespace of ['', 'na/', 'nb/', 'na/sub/']) {
      const put = await ask('PUT', `${namespace}sys/policies/acl/${name}`, { body: { policy } });
      assert.equal(put.status, 204, put.text);
    }
  });
  after(() => inner.coffer.stop());
  return ask;
}
