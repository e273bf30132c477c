/** RFC 7396, appendix A: its example test cases; and that numbers of patches print as doubles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergePatch } from '../../../src/engines/kv/merge-patch.ts';
import { encodeSorted } from '../../../src/model/json-encoder.ts';
import { parseJson } from '../../../src/model/json-parser.ts';

const CASES: [string, string, string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', 'null', 'null'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"a":1,"e":null}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

for (const [target, patch, result] of CASES) {
  test(`${target} patched by ${patch}`, () => {
    const before = parseJson(target);
    assert.equal(encodeSorted(mergePatch(before, parseJson(patch))), result);
    assert.equal(encodeSorted(before), encodeSorted(parseJson(target)), 'the target is left as it was');
  });
}
