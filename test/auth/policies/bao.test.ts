/**
 * The same policies and paths, asked of a real `bao`: set BAO to its path. Without it this prints that it was skipped.
 *
 * @module
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Acl, compileAcl } from '../../../src/auth/policies/acl.ts';
import { parsePolicy } from '../../../src/auth/policies/parse.ts';
import { startBaoDev } from '../../compat/bao.ts';
import { call } from '../../support/http.ts';
import { byHand } from '../../support/missing.ts';
import { path, policyText, rules } from './generated.ts';

const { BAO } = process.env;
const ROUNDS = 40;
const PATHS_A_ROUND = 12;

test('sys/capabilities: the same answers as a real bao', {
  skip: BAO === undefined || BAO === '' ? byHand('set BAO to a bao binary') : false,
}, async (t) => {
  const server = await startBaoDev(BAO as string, 'root');
  t.after(() => server.stop());
  const ask = async (method: string, at: string, body?: unknown) => {
    const reply = await call(server.address, method, `/v1/${at}`, { token: 'root', body });
    assert(reply.status < 300, `${method} ${at}: ${reply.status} ${reply.text}`);
    return reply.body;
  };
  const seed = Number(process.env.SEED ?? 1);
  t.diagnostic(`seed ${seed}`);
  const samples = fc.sample(
    fc.tuple(rules, rules, fc.uniqueArray(path, { minLength: PATHS_A_ROUND, maxLength: PATHS_A_ROUND })),
    {
      seed,
      numRuns: ROUNDS,
    },
  );
  for (const [first, second, paths] of samples) {
    const texts = [policyText(first), policyText(second)];
    const names = ['p1', 'p2'];
    for (const [index, policy] of texts.entries())
      await ask('PUT', `sys/policies/acl/${names[index]}`, { policy });
    const created = await ask('POST', 'auth/token/create', { policies: names, no_default_policy: true });
    const answer = await ask('POST', 'sys/capabilities', { token: created.auth.client_token, paths });
    const ours: Acl = compileAcl(texts.map((text, index) => parsePolicy(names[index] as string, text)));
    for (const one of paths)
      assert.deepEqual(ours.capabilities(one), answer.data[one], `${one}\n${texts.join('\n---\n')}`);
  }
});

test('parameters: the same verdicts as a real bao', {
  skip: BAO === undefined || BAO === '' ? byHand('set BAO to a bao binary') : false,
}, async (t) => {
  const server = await startBaoDev(BAO as string, 'root');
  t.after(() => server.stop());
  const values = ['"x"', '"xy"', '"*"', '5', 'true', '["x"]', '{"a":"x"}', 'null'];
  const lists = ['[]', '["x"]', '["x*", 5]', '[true]', '[["x"]]', '["*"]', '["**"]'];
  const differences: string[] = [];
  for (const kind of ['allowed_parameters', 'denied_parameters']) {
    for (const list of lists) {
      const text = `path "cubbyhole/a" { capabilities = ["create", "update"] ${kind} = { "K" = ${list} } }`;
      await call(server.address, 'PUT', '/v1/sys/policies/acl/p', { token: 'root', body: { policy: text } });
      const created = await call(server.address, 'POST', '/v1/auth/token/create', {
        token: 'root',
        body: { policies: ['p'], no_default_policy: true },
      });
      const token = created.body.auth.client_token;
      const acl = compileAcl([parsePolicy('p', text)]);
      for (const value of values) {
        const reply = await call(server.address, 'POST', '/v1/cubbyhole/a', {
          token,
          body: `{"k":${value}}`,
        });
        const fields = new Map([['k', jsonValue(value)]]);
        const ours = acl.check({
          path: 'cubbyhole/a',
          verb: 'update',
          mayCreate: true,
          sudo: false,
          fields,
        }).allowed;
        if (ours !== reply.status < 300) differences.push(`${kind} ${list} ${value}: ours ${ours}`);
      }
    }
  }
  // In Vault a number in a policy matches nothing, since Go types differ, and a text denies texts only: see parameters.ts.
  assert.deepEqual(differences, [
    'allowed_parameters ["x*", 5] 5: ours true',
    'denied_parameters ["x*", 5] 5: ours false',
    'denied_parameters ["**"] 5: ours false',
    'denied_parameters ["**"] true: ours false',
  ]);
});

function jsonValue(text: string) {
  return (
    parsePolicy(
      'p',
      `{"path":{"a":{"allowed_parameters":{"k":[${text}]}}}}`,
    ).rules[0]?.parameters.allowed?.get('k')?.[0] ?? null
  );
}
