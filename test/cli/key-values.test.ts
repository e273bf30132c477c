import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { encodeJson } from '../../src/cli/go-json.ts';
import { asTextLists, asTexts, parseKeyValues, stdinReader } from '../../src/cli/key-values.ts';
import { testFolder } from '../support/test-folder.ts';

const dir = testFolder('kv');
writeFileSync(join(dir, 'text'), 'line\n');
writeFileSync(join(dir, 'object'), '{"n":1.0,"list":["x"]}');

const stdin = (text = '') => stdinReader(Readable.from([Buffer.from(text)]), false);
const parse = async (args: string[], input = '') => encodeJson(await parseKeyValues(args, stdin(input)));

test('values stay text and may hold =', async () => {
  assert.equal(await parse(['a=1', 'b=true', 'c=', 'd=x=y']), '{"a":"1","b":"true","c":"","d":"x=y"}');
  assert.equal(await parse(['']), '{}');
});

test('a key given again makes a list, also on top of what a file brought', async () => {
  assert.equal(await parse(['a=1', 'a=2', 'a=3']), '{"a":["1","2","3"]}');
  assert.equal(await parse([`@${join(dir, 'object')}`, 'n=2', 'list=y']), '{"list":["x","y"],"n":[1.0,"2"]}');
});

test('files and standard input stand in for values and for all of it', async () => {
  assert.equal(await parse([`a=@${join(dir, 'text')}`]), '{"a":"line\\n"}');
  assert.equal(await parse(['a=\\@text', 'b=\\x']), '{"a":"@text","b":"\\\\x"}');
  assert.equal(await parse(['a=-'], 'in\n'), '{"a":"in\\n"}');
  assert.equal(await parse(['-'], '{"x":{"y":2}}'), '{"x":{"y":2}}');
  assert.equal(await parse(['@key=value']), '{"@key":"value"}');
});

test('faults name the argument', async () => {
  const faults: [string[], string][] = [
    [['nonsense'], 'Failed to parse K=V data: invalid key/value pair "nonsense": format must be key=value'],
    [
      ['@/nothing/here'],
      'Failed to parse K=V data: invalid key/value pair "@/nothing/here": open /nothing/here: no such file or directory',
    ],
    [
      ['a=@/nothing/here'],
      'Failed to parse K=V data: invalid key/value pair "a=@/nothing/here": error reading file: open /nothing/here: no such file or directory',
    ],
    [['a=-', 'b=-'], 'Failed to parse K=V data: invalid key/value pair "b=-": stdin already consumed'],
    [['-'], 'Failed to parse K=V data: invalid key/value pair "-": EOF'],
  ];
  for (const [args, message] of faults) await assert.rejects(parse(args), { message, exitCode: 1 });
  await assert.rejects(
    parse(['-'], '[1]'),
    /cannot unmarshal array into Go value of type map\[string\]interface \{\}/,
  );
});

test('with -non-interactive, standard input is empty and not waited for', async () => {
  const never = new Readable({ read() {} });
  assert.equal(encodeJson(await parseKeyValues(['a=-'], stdinReader(never, true))), '{"a":""}');
  never.destroy();
});

test('as query parameters and as options, values are texts', async () => {
  const data = await parseKeyValues(['a=1', 'a=2', '-'], stdin('{"t":true,"n":1.50}'));
  assert.deepEqual(Object.fromEntries(asTextLists(data)), { a: ['1', '2'], t: ['1'], n: ['1.50'] });
  data.delete('a');
  assert.deepEqual(Object.fromEntries(asTexts(data, 'before')), { t: '1', n: '1.50' });
  data.set('list', ['x']);
  assert.throws(
    () => asTexts(data, 'before'),
    /^CommandFailure: before: failed to convert values to strings/,
  );
});
