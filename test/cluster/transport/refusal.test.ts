import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRefusal, encodeRefusal } from '../../../src/cluster/transport/refusal.ts';
import { CodedError, ERRORS, type ErrorCode } from '../../../src/model/errors.ts';
import { REFUSAL_CHARS_MAX } from '../../../src/model/limits.ts';

test('code, texts and status cross', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const error = decodeRefusal(encodeRefusal(new CodedError(code, ['one', 'zwei ü'], { status: 418 })));
    assert.equal(error.code, code);
    assert.deepEqual(error.messages, ['one', 'zwei ü']);
    assert.equal(error.status, 418);
    assert.equal(decodeRefusal(encodeRefusal(new CodedError(code))).status, ERRORS[code].status);
  }
});

test('of an error without a code nothing crosses, and of causes and data nothing either', () => {
  const bytes = Buffer.from(encodeRefusal(new Error('s3cret')));
  assert(!bytes.toString().includes('s3cret'));
  assert.equal(decodeRefusal(bytes).code, 'internal');
  const coded = new CodedError('conflict', 'no', { cause: new Error('s3cret'), data: { key: 's3cret' } });
  assert(!Buffer.from(encodeRefusal(coded)).toString().includes('s3cret'));
});

test('long texts are cut off', () => {
  const error = decodeRefusal(encodeRefusal(new CodedError('conflict', ['a'.repeat(1e6), 'b'.repeat(1e6)])));
  assert.equal(error.messages.join('').length, REFUSAL_CHARS_MAX);
});

test('a code of a later release, and what is no refusal, is unsupported', () => {
  for (const text of [
    '{"code":"from_the_future"}',
    '{"code":"toString"}',
    '{}',
    'null',
    '7',
    '',
    '{"code":',
  ]) {
    assert.equal(decodeRefusal(Buffer.from(text)).code, 'unsupported', text);
  }
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert(decodeRefusal(bytes) instanceof CodedError);
    }),
  );
});

test('a status that is none is not taken', () => {
  for (const status of [200, 99, 600, 500.5, '503', null]) {
    const payload = Buffer.from(JSON.stringify({ code: 'conflict', messages: [1, 'x'], status }));
    assert.equal(decodeRefusal(payload).status, 409);
    assert.deepEqual(decodeRefusal(payload).messages, ['x']);
  }
});
