// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HCL writes interpolation like this
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
// @ts-expect-error: it has no types. `parse` takes HCL 1 and answers JSON or a sentence, both as text.
import jsHcl from 'js-hcl-parser';
import {
  HclError,
  type HclFile,
  type HclItem,
  type HclValue,
  jsonOf,
  parseConfigText,
  parseHcl,
  parseHclJson,
} from '../../../src/model/hcl.ts';
import { JsonNumber } from '../../../src/model/json.ts';
import { HCL_BYTES_MAX, HCL_DEPTH_MAX } from '../../../src/model/limits.ts';
import { document, rubbish, type Tree } from './generated.ts';

/** As HCL 1's own reader decodes into an untyped value: blocks become lists. */
function tree(items: readonly HclItem[]): { [key: string]: Tree } {
  const out: { [key: string]: Tree } = Object.create(null);
  for (const item of items) {
    const [key, ...labels] = item.keys;
    const name = key?.text ?? '';
    const rest = { ...item, keys: labels };
    if (labels.length > 0) out[name] = [...((out[name] as Tree[]) ?? []), tree([rest])];
    else if (item.value.kind === 'object')
      out[name] = [...((out[name] as Tree[]) ?? []), tree(item.value.items)];
    else out[name] = value(item.value);
  }
  return out;
}

function value(node: HclValue): Tree {
  if (node.kind === 'object') return tree(node.items);
  if (node.kind === 'list') return node.elements.map(value);
  const json = jsonOf(node);
  return json instanceof JsonNumber ? Number(json.text) : (json as Tree);
}

/** js-hcl-parser is HashiCorp's own HCL 1 compiled to JavaScript. Undefined where it refuses. */
function oracle(text: string): Tree | undefined {
  const answer: string = jsHcl.parse(text);
  return answer.startsWith('unable to parse') ? undefined : own(JSON.parse(answer));
}

function parsed(text: string): HclFile | HclError {
  try {
    return parseConfigText(text);
  } catch (error) {
    assert(error instanceof HclError, `threw something else: ${error}`);
    assert(error.position.line >= 1);
    assert(error.position.column >= 1);
    return error;
  }
}

/** Without a prototype, so that `valueOf` and `__proto__` are names like others. */
function own(value: Tree): Tree {
  if (Array.isArray(value)) return value.map(own);
  if (typeof value !== 'object') return value;
  const out: { [key: string]: Tree } = Object.create(null);
  for (const [key, inner] of Object.entries(value)) out[key] = own(inner);
  return out;
}

const POLICY = `
# Everything under secret/
path "secret/*" {
  capabilities = ["create", "read", "update", "delete", "list",]
}
path "sys/policies/acl/+" { capabilities = ["read"] allowed_parameters = { "policy" = [] "x" = ["a", 1, true] } }
path "auth/{{identity.entity.id}}/*" { policy = "write" // old
  min_wrapping_ttl = "1s"  max_wrapping_ttl = 90
}
name = "mine"
`;

const SERVER = `
ui = true, disable_mlock = true
listener "tcp" {
  address = "127.0.0.1:8200"   # here
  tls_disable = 1
  custom_response_headers { "default" = { "X-A" = ["b", "c"] } }
  telemetry { unauthenticated_metrics_access = true }
}
storage "file" { path = "/data" }
"quoted" "twice" { x = <<EOF
text with \${x} and "quotes"
EOF
}
`;

for (const [name, text] of Object.entries({ POLICY, SERVER })) {
  test(`reads a ${name.toLowerCase()} as HashiCorp's own reader does`, () => {
    const want = oracle(text);
    assert.notEqual(want, undefined);
    assert.deepEqual(tree(parseHcl(text).items), want);
  });
}

test('what was generated is what is read', () => {
  fc.assert(
    fc.property(document, ({ text, tree: want }) => {
      assert.deepEqual(tree(parseHcl(text).items), own(want));
    }),
    { numRuns: 500 },
  );
});

test("agrees with HashiCorp's own reader on generated documents", () => {
  fc.assert(
    fc.property(document, ({ text }) => {
      const want = oracle(text);
      // It cannot read a name that stands there both with and without labels; the generator does not make that.
      assert.notEqual(want, undefined, text);
      assert.deepEqual(tree(parseHcl(text).items), want);
    }),
    { numRuns: 150 },
  );
});

test("refuses what HashiCorp's own reader refuses", () => {
  fc.assert(
    fc.property(rubbish, (text) => {
      if (text.includes('\r') || text.trimStart().startsWith('{')) return;
      if (parsed(text) instanceof HclError) return;
      // It prints what it cannot unquote as a Go panic instead of an answer.
      assert.notEqual(oracle(text), undefined, `we read ${JSON.stringify(text)}`);
    }),
    { numRuns: 200 },
  );
});

test('throws nothing but HclError, with a place', () => {
  fc.assert(
    fc.property(rubbish, (text) => void parsed(text)),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(document, fc.nat(), fc.nat(), rubbish, ({ text }, at, cut, piece) => {
      const start = at % (text.length + 1);
      parsed(text.slice(0, start) + piece + text.slice(start + (cut % 5)));
    }),
    { numRuns: 1_000 },
  );
});

test('keeps the place of keys and values', () => {
  const { items } = parseHcl('a = 1\n\n  "b" "🙂" { c = [\n    "x" ] }');
  assert.deepEqual(items[0]?.keys[0]?.position, { line: 1, column: 1 });
  assert.deepEqual(items[0]?.value.position, { line: 1, column: 5 });
  assert.deepEqual(items[1]?.keys[1]?.position, { line: 3, column: 7 });
  // Columns are characters: the emoji is one.
  assert.deepEqual(items[1]?.value.position, { line: 3, column: 11 });
  const list = items[1]?.value.kind === 'object' ? items[1].value.items[0]?.value : undefined;
  assert(list?.kind === 'list');
  assert.deepEqual(list.elements[0]?.position, { line: 4, column: 5 });
});

test('says where and what was expected', () => {
  const cases: [string, string][] = [
    [
      'path "x" ',
      "At 1:10: key 'path \"x\"' expected start of object ('{') or assignment ('='), got the end of the text",
    ],
    ['a b = 1', "At 1:5: key 'a b' expected start of object ('{'), got '='"],
    ['a = foo', "At 1:5: expected a quoted string, a number, true, false, '[' or '{', got the word foo"],
    ['a = ["x" "y"]', 'At 1:10: error parsing list, expected comma or list end, got a string'],
    ['a {\n b = 1\n', "At 3:1: expected '}' for the '{' at 1:3"],
    ['}', "At 1:1: expected a key (a word or a quoted string), got '}'"],
    ['a = "x', 'At 1:5: literal not terminated: expected a closing "'],
    ['a = "x\n"', 'At 1:5: literal not terminated: expected a closing "'],
    [
      'a = "\\q"',
      'At 1:6: illegal char escape: expected one of \\" \\\\ \\a \\b \\f \\n \\r \\t \\v \\x \\u \\U or octal digits',
    ],
    ['a = "b\\u12"', 'At 1:7: illegal char escape: expected 4 hexadecimal digits'],
    ['a = "\\ud800"', 'At 1:6: expected the number of a Unicode character after \\u'],
    ['a = "\\xff"', 'At 1:6: the escaped bytes are not UTF-8'],
    ['a = 1h', 'At 1:5: expected a number; a value such as 1h has to be quoted'],
    ['a = 09', 'At 1:5: illegal octal number'],
    ['a = 0x', 'At 1:5: expected a number; a value such as 1h has to be quoted'],
    ['a = <<EOF\nx\n', 'At 1:5: heredoc not terminated: expected a line with EOF'],
    ['a = <<"EOF"\n', 'At 1:5: invalid characters in heredoc anchor: expected letters and digits'],
    ['a = <<\nx\n', 'At 1:5: zero-length heredoc anchor: expected a word such as EOF'],
    ['a = 1 /* b', 'At 1:7: comment not terminated: expected */'],
    ['a = 1 / 2', "At 1:7: expected '/' for comment"],
    ['a = 1; b = 2', "At 1:6: illegal character ';' (U+003B)"],
    ['a = "\u0000"', 'At 1:6: illegal character (U+0000)'],
    ['{"a": 1', "At 1:8: expected ',' or '}'"],
    ['{"a" 1}', "At 1:6: expected ':'"],
    ['{"a": [1 2]}', "At 1:10: expected ',' or ']'"],
    ['{"a": b}', "At 1:7: expected a string, a number, true, false, null, '[' or '{'"],
    ['{a: 1}', "At 1:2: expected a key in quotes or '}'"],
    ['{"a": 1} x', 'At 1:10: expected nothing after the closing }'],
    ['{"a": "\\ud800"}', 'At 1:7: expected a string of Unicode characters'],
  ];
  for (const [text, message] of cases) {
    const error = parsed(text);
    assert(error instanceof HclError, `accepted ${JSON.stringify(text)}`);
    assert.equal(error.message, message);
  }
});

test('error texts do not hold what a string says', () => {
  for (const text of [
    'a = [1 "hunter2"]',
    'x = "hunter2" = 1',
    '= "hunter2"',
    'a = [{} <<E\nhunter2\nE\n]',
  ]) {
    const error = parsed(text);
    assert(error instanceof HclError);
    assert(!error.message.includes('hunter2'), error.message);
  }
});

test('is bounded: bytes, depth, number of values', () => {
  const refused = (text: string, reason: RegExp) => {
    const error = parsed(text);
    assert(error instanceof HclError);
    assert.match(error.message, reason);
  };
  refused(`a = "${'x'.repeat(HCL_BYTES_MAX)}"`, /at most 1048576 bytes/);
  for (const deep of [
    'a {'.repeat(100_000),
    `a = ${'['.repeat(100_000)}`,
    `{"a":${'['.repeat(100_000)}`,
    `{"a":`.repeat(100_000),
  ]) {
    refused(deep, /at most 64 blocks and lists inside each other/);
  }
  refused(`a = [${'1,'.repeat(250_000)}]`, /at most 200000 items and values/);
  refused(`{"a": [${'1,'.repeat(250_000)}]}`, /at most 200000 items and values/);
  refused('#\n'.repeat(250_000), /at most 200000 items and values/);
  refused(`a ${'b '.repeat(250_000)} {}`, /at most 200000 items and values/);
  refused(`a = ${'1'.repeat(65)}`, /shorter number/);
  refused(`{"a": ${'1'.repeat(65)}}`, /shorter number/);
  parseHcl(`a = ${'['.repeat(HCL_DEPTH_MAX - 1)}${']'.repeat(HCL_DEPTH_MAX - 1)}`);
});

test('reads a text of the greatest size in bounded time', () => {
  const big: [string, string][] = [
    ['one line', `a = [${'"x",'.repeat(150_000)}]`],
    ['one string', `a = "${'x'.repeat(HCL_BYTES_MAX - 8)}"`],
    ['one JSON string', `{"a": "${'x'.repeat(HCL_BYTES_MAX - 16)}"}`],
    ['escapes', `a = "${'\\n${x}'.repeat(100_000)}"`],
    ['blanks in a heredoc', `a = <<-E\n${' '.repeat(HCL_BYTES_MAX - 64)}x\n E\n`],
    ['closing marks that are none', `a = <<E\n${'xE\n'.repeat(300_000)}E\n`],
    ['never closed', '"${'.repeat(300_000)],
  ];
  for (const [name, text] of big) {
    const start = performance.now();
    parsed(text);
    assert(performance.now() - start < 2_000, `${name}: ${performance.now() - start} ms`);
  }
});

test('JSON says the same as HCL', () => {
  const hcl = parseHcl(
    'path "secret/*" { capabilities = ["read"] allowed_parameters = { "a" = [1, true, "x"] } }',
  );
  const json = parseHclJson(
    '{"path": {"secret/*": {"capabilities": ["read"], "allowed_parameters": {"a": [1, true, "x",],},}}}',
  );
  const flat = (file: HclFile) =>
    jsonOf({
      kind: 'object',
      position: { line: 1, column: 1 },
      end: { line: 1, column: 1 },
      items: file.items,
    });
  assert.deepEqual(flat(json), flat(hcl));
});

test('JSON keeps every value that JSON can hold', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' })),
      (object) => {
        const text = JSON.stringify(object, undefined, 1);
        assert.deepEqual(plain(parseHclJson(text)), JSON.parse(text));
      },
    ),
  );
});

function plain(file: HclFile): unknown {
  const to = (node: HclValue): unknown => {
    if (node.kind === 'object')
      return Object.fromEntries(node.items.map((item) => [item.keys[0]?.text, to(item.value)]));
    if (node.kind === 'list') return node.elements.map(to);
    return node.kind === 'string' ? node.text : JSON.parse(node.text);
  };
  return Object.fromEntries(file.items.map((item) => [item.keys[0]?.text, to(item.value)]));
}
