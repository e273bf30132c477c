import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeJson, encodeJson, encodeJsonIndented } from '../../src/cli/go-json.ts';
import { compareBytes, display, quoteList, wrapPadded, wrapText } from '../../src/cli/go-text.ts';
import { quote } from '../../src/model/printable.ts';

test("quotes as Go's strconv.Quote", () => {
  assert.equal(quote("a\u00a0b\u2028\ufeff\x00\x7f😀'"), '"a\\u00a0b\\u2028\\ufeff\\x00\\x7f😀\'"');
  assert.equal(quote('tab\t"back\\slash"\r\n\x07\x1b'), '"tab\\t\\"back\\\\slash\\"\\r\\n\\a\\x1b"');
  assert.equal(quote('\u{10ffff}'), '"\\U0010ffff"');
  assert.equal(quoteList(['default', 'root']), '["default" "root"]');
});

test("prints decoded JSON as Go's %v", () => {
  assert.equal(
    display(decodeJson('{"b":[1,"two",null,{"x":true}],"a":1.50}')),
    'map[a:1.50 b:[1 two <nil> map[x:true]]]',
  );
  assert.equal(display(decodeJson('[]')), '[]');
  assert.equal(display(undefined), '<nil>');
});

test('names of members are only names', () => {
  const map = decodeJson('{"__proto__":{"x":1},"constructor":2,"10":3,"9":4}');
  assert(map instanceof Map);
  assert.deepEqual([...map.keys()].sort(), ['10', '9', '__proto__', 'constructor']);
  assert.equal(encodeJson(map), '{"10":3,"9":4,"__proto__":{"x":1},"constructor":2}');
});

test('JSON keeps the text of numbers, escapes for HTML and sorts maps, not structs', () => {
  assert.equal(
    encodeJson(decodeJson('{"z":1.0,"big":123456789012345678901234567890,"e":1e3}')),
    '{"big":123456789012345678901234567890,"e":1e3,"z":1.0}',
  );
  assert.equal(encodeJson('<a>&\u2028'), '"\\u003ca\\u003e\\u0026\\u2028"');
  assert.equal(encodeJson('\ud800'), '"\ufffd"');
  assert.equal(encodeJson({ z: 1, a: undefined, b: null }), '{"z":1,"b":null}');
  assert.equal(
    encodeJsonIndented({ z: [], a: [{ x: 1 }] }),
    '{\n  "z": [],\n  "a": [\n    {\n      "x": 1\n    }\n  ]\n}',
  );
});

test("what is no JSON is refused in Go's words where they are usual", () => {
  assert.throws(() => decodeJson(''), { message: 'EOF' });
  assert.throws(() => decodeJson('who=world'), {
    message: "invalid character 'w' looking for beginning of value",
  });
  assert.throws(() => decodeJson('{"a":'), { message: 'unexpected EOF' });
});

test('any JSON is read and written back', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.deepEqual(JSON.parse(encodeJson(decodeJson(text))), JSON.parse(text));
    }),
  );
});

test('byte order is that of UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      assert.equal(Math.sign(compareBytes(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
  assert(compareBytes('\uffff', '\u{10000}') < 0);
});

test("wraps where the raggedness is least, as Vault's documentation shows", () => {
  const text =
    'Success! You are now authenticated. The token information displayed below is already stored in the token helper. ' +
    'You do NOT need to run "vault login" again. Future Vault requests will automatically use this token.';
  assert.equal(
    wrapText(text),
    'Success! You are now authenticated. The token information displayed below\n' +
      'is already stored in the token helper. You do NOT need to run "vault login"\n' +
      'again. Future Vault requests will automatically use this token.',
  );
  assert.equal(wrapPadded('* short', 2), '  * short');
});

test('wrapping loses no word, and only words that are too long make lines too long', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(words, fc.integer({ min: 5, max: 40 }), (list, width) => {
      const lines = wrapText(list.join(' '), width).split('\n');
      assert.deepEqual(lines.join(' ').split(' '), list);
      const tooLong = (text: string) => text.length > width;
      for (const line of lines) assert(!tooLong(line) || line.split(' ').some(tooLong), line);
    }),
  );
});
