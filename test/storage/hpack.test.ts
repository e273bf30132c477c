import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHeaders, encodeHeaders } from '../../src/storage/hpack.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const plain = (headers: Record<string, string>) => ({ ...headers });

test('what RFC 7541 gives as examples (C.2, C.4, C.6) is read', () => {
  const examples: [block: string, headers: Record<string, string>][] = [
    ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', { 'custom-key': 'custom-header' }],
    ['040c 2f73 616d 706c 652f 7061 7468', { ':path': '/sample/path' }],
    ['1008 7061 7373 776f 7264 0673 6563 7265 74', { password: 'secret' }],
    ['82', { ':method': 'GET' }],
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      { ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'www.example.com' },
    ],
    ['58 86a8 eb10 649c bf', { 'cache-control': 'no-cache' }],
    ['40 8825 a849 e95b a97d 7f89 25a8 49e9 5bb8 e8b4 bf', { 'custom-key': 'custom-value' }],
    [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff',
      { ':status': '302', 'cache-control': 'private', date: 'Mon, 21 Oct 2013 20:13:21 GMT' },
    ],
    // A table of size 0, as it is confirmed to us.
    ['20 88', { ':status': '200' }],
  ];
  for (const [block, headers] of examples) assert.deepEqual(plain(decodeHeaders(hex(block))), headers);
});

test('what is written is read again, whatever its length', () => {
  const text = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)) });
  const long = fc.integer({ min: 120, max: 40_000 }).map((length) => 'x'.repeat(length));
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, long), { noNullPrototype: true }), (headers) => {
      assert.deepEqual(Object.entries(decodeHeaders(encodeHeaders(headers))), Object.entries(headers));
    }),
  );
});

test('a name that objects inherit is a name as any other', () => {
  const read = decodeHeaders(encodeHeaders(Object.fromEntries([['__proto__', 'x']])));
  assert.deepEqual(Object.entries(read), [['__proto__', 'x']]);
});

test('what is no block is told as such', () => {
  const wrong = {
    'a header of a dynamic table': 'be',
    'a header without a number': '80',
    'a name of a dynamic table': '7e 0161',
    'a dynamic table': '3f e1 1f',
    'a number without an end': 'ff ff ff ff ff ff 7f',
    'a number that is cut': 'ff',
    'a text that is cut': '00 0161 0562',
    'a name and no value': '00 0161',
    'a text in Huffman code that ends within a character': '00 0161 82 f1 e2',
    'more padding than there may be': '00 0161 82 1f ff',
    'the code that ends a text': '00 0161 84 ff ff ff ff',
  };
  for (const [what, block] of Object.entries(wrong))
    assert.throws(() => decodeHeaders(hex(block)), /header|table|text|code/, what);
});

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        for (const value of Object.values(decodeHeaders(Buffer.from(bytes))))
          assert.equal(typeof value, 'string');
      } catch (error) {
        assert.equal((error as Error).constructor, Error);
      }
    }),
  );
});
