import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeQuery, escapePath, joinPath, parseAddress } from '../../src/cli/request-url.ts';

const ASCII = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => i + 32));

test("paths are escaped as Go's URL.EscapedPath does", () => {
  assert.equal(
    escapePath(`/${ASCII}é[x]`),
    '/%20%21%22%23$%25&%27%28%29%2A+,-./0123456789:;%3C=%3E%3F@ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%C3%A9%5Bx%5D',
  );
  assert.equal(escapePath('a%2Fb'), 'a%252Fb');
});

test("queries are escaped and sorted as Go's url.Values.Encode does", () => {
  assert.equal(
    encodeQuery(new Map([[ASCII, ['']]])),
    '+%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~=',
  );
  assert.equal(
    encodeQuery(
      new Map([
        ['b', ['2', '1']],
        ['a', ['x']],
      ]),
    ),
    'a=x&b=2&b=1',
  );
});

test("paths are joined as Go's path.Join does", () => {
  const joined: [string[], string][] = [
    [['', '/v1/', 'secret/data/x'], '/v1/secret/data/x'],
    [['/base', '/v1/', 'secret//x/'], '/base/v1/secret/x'],
    [['/v1/', 'a/../b/./c'], '/v1/b/c'],
    [['/', '../..'], '/'],
    [['a', '', 'b/'], 'a/b'],
    [['..', 'a'], '../a'],
    [['', ''], ''],
    [['.'], '.'],
  ];
  for (const [parts, path] of joined) assert.equal(joinPath(...parts), path);
});

test('addresses: scheme, port, base path, user, socket', () => {
  assert.deepEqual(parseAddress('https://user:p%40ss@vault.example:8300/base/'), {
    scheme: 'https',
    host: 'vault.example:8300',
    hostname: 'vault.example',
    port: 8300,
    basePath: '/base',
    userInfo: 'user:p@ss',
  });
  assert.equal(parseAddress('http://[::1]:8200').hostname, '::1');
  assert.equal(parseAddress('https://vault').port, 443);
  assert.equal(parseAddress('unix:///run/vault.sock').socketPath, '/run/vault.sock');
  for (const wrong of ['127.0.0.1:8200', 'ftp://x', '', 'http://']) {
    assert.throws(() => parseAddress(wrong), /^Error: parse "/, wrong);
  }
});
