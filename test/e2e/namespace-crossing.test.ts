/**
 * Nothing crosses from one namespace to another: each endpoint of one, as its own OpenAPI document lists them, is asked with what others'
 * things are called (security-lessons "Namespace crossing"; CVE-2026-40264, CVE-2026-45808, CVE-2026-14886, CVE-2026-115366).
 *
 * @module
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CallReply } from '../support/http.ts';
import { type InnerCoffer, startInnerCoffer } from '../support/inner-coffer.ts';
import { clientOf, furnish, type Tenant } from '../support/tenant.ts';
import { type Route, routesOf } from './malformations.ts';

const AT_ONCE = 8;
const MERGE = 'application/merge-patch+json';
/** Fields that say which thing is meant; the others would only be refused. */
const NAMING = /token|accessor|^id$|_id|path|name|mount|polic|lease|prefix|role|key|from|^to$|user/;
/** They end the token that asks, or the server. */
const NOT_ASKED = /^sys\/seal$|^auth\/token\/revoke-self$/;

let inner: InnerCoffer;
let own: Tenant;
let others: Tenant[];
before(async () => {
  inner = await startInnerCoffer();
  const { address, root } = inner;
  for (const path of ['sys/namespaces/own', 'sys/namespaces/other']) await inner.ask('POST', path);
  own = await furnish(address, root, 'own/', 'mine-7d1c');
  others = [
    await furnish(address, root, 'other/', 'theirs-4b2e'),
    await furnish(address, root, '', 'above-9f3a'),
  ];
  const policy =
    'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }';
  for (const { ask } of [own, others[0]!]) await ask('PUT', 'sys/policies/acl/all', { body: { policy } });
});
after(() => inner.coffer.stop());

/** All that is stored of namespaces that are not `own` or below it, by path, and what the catalog says of them. */
async function kept(): Promise<Map<string, string>> {
  const { catalog } = inner.coffer;
  const isOwn = (path: unknown) => String(path ?? '').startsWith(own.path);
  const ownIds = [...catalog.entries('mounts')]
    .filter(([key, value]) => /namespace\//.test(key) && isOwn((value as { path: string }).path))
    .map(([key]) => key.slice(key.indexOf('/') + 1));
  const found = new Map<string, string>();
  for (let last = ''; ; ) {
    const page = await inner.storage.list('data/', last, 1_000);
    for (const path of page) {
      if (path.startsWith('data/root/catalog/') || ownIds.includes(path.split('/')[1]!)) continue;
      found.set(path, Buffer.from((await inner.storage.get(path))!.value).toString('base64'));
    }
    if (page.length < 1_000) break;
    last = page.at(-1)!;
  }
  for (const section of ['mounts', 'policies', 'audit', 'settings'] as const) {
    for (const [key, value] of catalog.entries(section)) {
      const isOfOwn =
        ownIds.some((id) => key.includes(id)) ||
        ownIds.includes((value as { namespace?: string })?.namespace ?? '');
      if (!isOfOwn) found.set(`${section} ${key}`, JSON.stringify(value));
    }
  }
  return found;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: object | undefined;
  readonly what: string;
  /** Whose, and what was sent of it, which may come back. */
  readonly other: Tenant;
  readonly sent: string;
}

/** First what changes nothing: what is made afterwards is called what others' things are called. */
function* requests(routes: readonly Route[]): Generator<Asked> {
  const reading = (method: string) => ['GET', 'LIST', 'HEAD'].includes(method);
  yield* requestsBy(routes, reading);
  yield* requestsBy(routes, (method) => !reading(method));
}

function* requestsBy(routes: readonly Route[], isMeant: (method: string) => boolean): Generator<Asked> {
  for (const other of others) {
    for (const [what, sent] of other.ids) {
      for (const { path, fields, served } of routes) {
        if (NOT_ASKED.test(path)) continue;
        const filled = path.replace(/\{\w+\}/g, encodeURIComponent(sent).replaceAll('%2F', '/'));
        const naming = fields.filter((field) => NAMING.test(field));
        if (filled === path && naming.length === 0) continue;
        for (const method of served) {
          if (method === 'PUT' || !isMeant(method)) continue;
          const hasBody = method === 'POST' || method === 'PATCH';
          const body = hasBody ? Object.fromEntries(naming.map((field) => [field, sent])) : undefined;
          yield { method, path: filled, body, what, other, sent };
        }
      }
    }
  }
}

/** What is served in the namespace, and what the cluster has of its own. */
async function allRoutes(): Promise<Route[]> {
  const documents = [own.ask, others[1]!.ask].map((ask) => ask('GET', 'sys/internal/specs/openapi'));
  const [served, above] = await Promise.all(documents);
  const isSystem = ({ path }: Route) => path.startsWith('sys/');
  const routes = [...routesOf(served!.body), ...routesOf(above!.body).filter(isSystem)];
  return [...new Map(routes.map((route) => [route.path, route])).values()];
}

/** A token of the namespace's own that may do all. */
async function makeAsker(): Promise<string> {
  const { body } = await own.ask('POST', 'auth/token/create', { body: { policies: ['all'] } });
  return body.auth.client_token;
}

function check({ method, path, what, other, sent }: Asked, { status, text }: CallReply): void {
  const name = `${method} ${path} with ${what} of "${other.path}": ${status} ${text}`;
  assert(status < 500 || /missing password|does not exist/.test(text), name);
  assert(!text.includes(other.kept), name);
  const answered = text.replaceAll(sent, '');
  for (const [kind, id] of other.ids) {
    // What is part of what was sent says nothing new, nor do names: the test itself makes things that are called so.
    if (sent.includes(id) || id.includes(other.mark)) continue;
    assert(!answered.includes(id), `${kind}: ${name}`);
  }
}

test('of no other namespace anything is answered, or changed', async () => {
  const routes = await allRoutes();
  assert(routes.length > 100, String(routes.length));
  const before = await kept();
  const queue = requests(routes);
  let asked = 0;
  const worker = async () => {
    const token = await makeAsker();
    for (const next of queue) {
      asked++;
      const headers: Record<string, string> = next.method === 'PATCH' ? { 'content-type': MERGE } : {};
      check(next, await own.ask(next.method, next.path, { body: next.body, token, headers }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  assert(asked > 2_500, String(asked));
  const now = await kept();
  for (const [path, value] of before) assert.equal(now.get(path), value, `${path} has changed`);
  for (const path of now.keys()) assert(before.has(path), `${path} is new`);
});

test('other namespaces’ tokens are nobody there, whatever is asked', async () => {
  const token = others[0]!.ids.get('token')!;
  const root = (await others[0]!.ask('POST', 'auth/token/create', { body: { policies: ['all'] } })).body.auth;
  for (const { path, served } of await allRoutes()) {
    const filled = path.replace(/\{\w+\}/g, 'x');
    for (const method of served) {
      const headers: Record<string, string> = method === 'PATCH' ? { 'content-type': MERGE } : {};
      for (const foreign of [token, root.client_token]) {
        const hasBody = ['POST', 'PUT', 'PATCH'].includes(method);
        const reply = await own.ask(method, filled, {
          token: foreign,
          headers,
          body: hasBody ? {} : undefined,
        });
        const name = `${method} ${filled}: ${reply.status} ${reply.text}`;
        const isOpen =
          /\/login|seal-status|sys\/leader|wrapping\/(lookup|unwrap|rewrap)$/.test(filled) ||
          /unavailable in namesp|unsupported operation/.test(reply.text);
        assert(reply.status === 403 || (isOpen && !reply.text.includes(others[0]!.kept)), name);
      }
    }
  }
});

test('paths lead down only', async () => {
  const { address, root } = inner;
  const { token } = { token: await makeAsker() };
  const mark = others[0]!.mark;
  for (const path of [
    `../other/${mark}-kv/${mark}`,
    `%2e%2e/other/${mark}-kv/${mark}`,
    `./other/${mark}-kv/${mark}`,
  ]) {
    const { status } = await own.ask('GET', path, { token });
    assert.equal(status, 400, path);
  }
  for (const path of [`other/${mark}-kv/${mark}`, `root/${mark}-kv/${mark}`, `own/${mark}-kv/${mark}`]) {
    const { status, text } = await own.ask('GET', path, { token });
    assert.equal(status, 404, `${path} ${text}`);
  }
  for (const header of ['own/../other', 'own/..', '../other', 'own//../other', '.']) {
    const { status } = await clientOf(address, token, header)('GET', `${mark}-kv/${mark}`);
    assert.equal(status, 400, header);
  }
  for (const header of ['Own', 'OTHER', 'other/own', 'root/other', 'ROOT']) {
    const { status } = await clientOf(address, root, header)('GET', `${mark}-kv/${mark}`);
    assert.equal(status, 404, header);
  }
});

test('what is known of another namespace opens nothing in one’s own', async () => {
  const [other] = others;
  const { ids, mark, kept } = other!;
  const before = await other!.ask('GET', `auth/${mark}-userpass/users/${mark}`);
  assert.equal(before.status, 200);
  // The same names here: a login with the other's ids finds nobody.
  await own.ask('POST', `sys/auth/${mark}-approle`, { body: { type: 'approle' } });
  await own.ask('POST', `sys/auth/${mark}-userpass`, { body: { type: 'userpass' } });
  const login = await own.ask('POST', `auth/${mark}-approle/login`, {
    body: { role_id: ids.get('role id'), secret_id: ids.get('secret id') },
  });
  assert.equal(login.status, 400, login.text);
  const password = await own.ask('POST', `auth/${mark}-userpass/login/${mark}`, { body: { password: kept } });
  assert.equal(password.status, 400, password.text);
  const there = await other!.ask('POST', `auth/${mark}-approle/login`, {
    body: { role_id: ids.get('role id'), secret_id: ids.get('secret id') },
  });
  assert.equal(there.status, 200, there.text);
});

test('policies of one name are others’ in each namespace, whoever asked first', async () => {
  const { address } = inner;
  const asked: [Tenant, string][] = [];
  for (const tenant of [...others, own]) {
    await tenant.ask('POST', 'sys/mounts/same-mount', { body: { type: 'kv-v1' } });
    await tenant.ask('PUT', 'same-mount/a', { body: { value: tenant.kept } });
    const policy = `path "same-mount/a" { capabilities = ["${tenant === own ? 'deny' : 'read'}"] }`;
    await tenant.ask('PUT', 'sys/policies/acl/same-rules', { body: { policy } });
    const { body } = await tenant.ask('POST', 'auth/token/create', {
      body: { policies: ['same-rules'] },
    });
    asked.push([tenant, body.auth.client_token]);
  }
  // Twice: what was found for one is remembered when the next asks.
  for (const [{ path }, token] of [...asked, ...asked]) {
    const { status } = await clientOf(address, token, path)('GET', 'same-mount/a');
    assert.equal(status, path === own.path ? 403 : 200, path);
  }
});
