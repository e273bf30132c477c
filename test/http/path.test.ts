/**
 * One spelling of each path (contract §1.1): what is refused, what is decoded, and that no two paths meet.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { apiPath, decodePath, namespacePath, pathFor, splitTarget } from '../../src/http/path.ts';
import { CodedError } from '../../src/model/errors.ts';

function parse(raw: string): string | undefined {
  return apiPath(decodePath(raw))?.text;
}

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert(error instanceof CodedError, String(error));
    assert.equal(error.status, 400);
    return error.messages.join();
  }
  assert.fail('was taken');
}

test('the text after /v1/, escapes decoded once, %2F is /, case and trailing slash kept', () => {
  assert.equal(parse('/v1/secret/data/a%20b'), 'secret/data/a b');
  assert.equal(parse('/v1/secret%2Fdata%2fx'), 'secret/data/x');
  assert.equal(parse('/v1/secret/%252e%252e'), 'secret/%2e%2e');
  assert.equal(parse('/%76%31/secret/%C3%BC+€'.replace('€', '%E2%82%AC')), 'secret/ü+€');
  assert.equal(parse('/v1/Secret/Foo/'), 'Secret/Foo/');
  assert.equal(parse('/v1/'), '');
  assert.equal(parse('/v1/.hidden/...x/a..b/..c'), '.hidden/...x/a..b/..c');
  assert.equal(apiPath('/v1/a/')?.trailingSlash, true);
  assert.equal(apiPath('/v1/a')?.trailingSlash, false);
});

test('no Unicode normalisation: é composed and decomposed are two paths', () => {
  assert.notEqual(parse('/v1/%C3%A9'), parse('/v1/e%CC%81'));
});

test('relative paths are refused in Vault’s words, plain or escaped', () => {
  for (const raw of [
    '/v1/a/../b',
    '/v1/..',
    '/v1/../',
    '/v1/a/%2e%2E/b',
    '/v1/a%2F..',
    '/v1/a//../b',
    '/v1/./..',
  ]) {
    assert.equal(
      refusal(() => parse(raw)),
      'relative paths not supported',
      raw,
    );
  }
});

test('empty and "." segments are refused by name', () => {
  for (const raw of ['/v1//', '/v1//a', '/v1/a//b', '/v1/a//', '/v1/a/%2Fb']) {
    assert.equal(
      refusal(() => parse(raw)),
      'empty path segment "//" not supported',
      raw,
    );
  }
  for (const raw of ['/v1/.', '/v1/./', '/v1/a/./b', '/v1/a/.', '/v1/a/%2e/']) {
    assert.equal(
      refusal(() => parse(raw)),
      'path segment "." not supported',
      raw,
    );
  }
});

test('a path that is longer than any that could be stored is refused, by its characters once decoded', () => {
  for (const raw of [`/v1/${'a/'.repeat(2_049)}`, `/v1/${'%61'.repeat(4_097)}`, `/v1/${'/'.repeat(5_000)}`]) {
    assert.equal(
      refusal(() => parse(raw)),
      'path is too long',
      raw,
    );
  }
  assert.equal(parse(`/v1/${'%61'.repeat(4_096)}`)?.length, 4_096);
});

test('bad escapes, bytes that are not UTF-8 and what must be escaped are refused', () => {
  for (const raw of ['%', '%4', '%zz', '%u0041', '%ff', '%C3', '%ED%A0%80', '%C0%AF', '%F5%80%80%80']) {
    assert.match(
      refusal(() => parse(`/v1/${raw}`)),
      /invalid percent-encoding$/,
      raw,
    );
  }
  for (const raw of ['a b', 'a#b', 'ü', '\u0001', '\u007f']) {
    assert.match(
      refusal(() => parse(`/v1/${raw}`)),
      /not percent-encoded$/,
      raw,
    );
  }
});

test('characters that do not print are refused as Go’s unicode.IsPrint has it', () => {
  const unprintable = [
    '%00',
    '%0a',
    '%7F',
    '%C2%85',
    '%C2%A0',
    '%E2%80%8B',
    '%E2%80%AE',
    '%E2%80%A8',
    '%EF%BB%BF',
    '%EE%80%80',
  ];
  for (const raw of unprintable)
    assert.match(
      refusal(() => parse(`/v1/a${raw}`)),
      /not printable$/,
      raw,
    );
  for (const raw of ['%20', '%F0%9F%98%80', '%EF%BF%BD', '%CC%81'])
    assert.doesNotThrow(() => parse(`/v1/a${raw}`), raw);
});

test('what is not under /v1/ is no API path', () => {
  for (const raw of ['/', '/v1', '/v2/x', '/V1/x', '//v1/x', '/ui/', '*', '/x/../v1/secret']) {
    assert.equal(parse(raw), undefined, raw);
  }
});

test('targets: origin form and absolute form, cut at the first ?', () => {
  assert.deepEqual(splitTarget('/v1/a?b=c?d'), { path: '/v1/a', query: 'b=c?d' });
  assert.deepEqual(splitTarget('/v1/a'), { path: '/v1/a', query: '' });
  assert.deepEqual(splitTarget('http://host:8200/v1/a?b'), { path: '/v1/a', query: 'b' });
  assert.deepEqual(splitTarget('HTTPS://host?b'), { path: '', query: 'b' });
  assert.deepEqual(splitTarget('*'), { path: '*', query: '' });
});

test('a list’s path ends in a slash however it was spelled; a write’s must not', () => {
  const bare = { text: 'a', trailingSlash: false };
  const slashed = { text: 'a/', trailingSlash: true };
  assert.equal(pathFor('list', bare).text, 'a/');
  assert.equal(pathFor('list', slashed).text, 'a/');
  assert.equal(pathFor('list', { text: '', trailingSlash: false }).text, '');
  for (const verb of ['update', 'patch'] as const) {
    assert.equal(pathFor(verb, bare), bare);
    assert.equal(
      refusal(() => pathFor(verb, slashed)),
      "cannot write to a path ending in '/'",
    );
  }
  for (const verb of ['read', 'delete', 'header', 'help'] as const)
    assert.equal(pathFor(verb, slashed), slashed);
});

test('namespaces: slashes at the ends taken off, the rest as for paths', () => {
  const header = (text: string) => namespacePath(Buffer.from(text).toString('latin1'));
  assert.equal(header(''), '');
  assert.equal(header('/'), '');
  assert.equal(header('/ns1/ns2/'), 'ns1/ns2');
  assert.equal(header('ü'), 'ü');
  assert.equal(
    refusal(() => header('a/../b')),
    'relative paths not supported',
  );
  refusal(() => header('a//b'));
  refusal(() => header('a/./b'));
  refusal(() => header('a\u200bb'));
  refusal(() => namespacePath('\xff'));
});

/** Characters and escapes between which a careless reader sees no difference. */
const spelling = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '.',
        '..',
        '%2F',
        '%2f',
        '%2e',
        '%2E',
        'a',
        'A',
        '%61',
        '%41',
        '+',
        '%2B',
        '%20',
        '%25',
        '%2561',
        '%252F',
      ),
      fc.constantFrom(
        '\\',
        '%5c',
        ';',
        '%3b',
        '~',
        '%C3%A9',
        'e%CC%81',
        '%00',
        '%',
        '%ff',
        ' ',
        '?',
        '%3F',
        ':',
        '*',
        '%2A',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }).map((text) => encodeURIComponent(text.toWellFormed())),
    ),
    { maxLength: 6 },
  )
  .map((parts) => `/v1/${parts.join('')}`);

test('property: a path is decoded exactly once, or refused; so two different decoded paths never meet', () => {
  const count = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(spelling, (raw) => {
      let text: string | undefined;
      try {
        text = parse(raw);
      } catch (error) {
        assert(error instanceof CodedError);
        count.refused++;
        return;
      }
      count.taken++;
      // An independent decoder: bytes by bytes.
      const bytes: number[] = [];
      for (let i = '/v1/'.length; i < raw.length; i++) {
        if (raw[i] !== '%') bytes.push(raw.charCodeAt(i));
        else {
          bytes.push(Number.parseInt(raw.slice(i + 1, i + 3), 16));
          i += 2;
        }
      }
      assert.equal(
        text,
        new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)),
      );
      const segments = text.split('/');
      if (segments.at(-1) === '') segments.pop();
      for (const segment of segments) assert(!['', '.', '..'].includes(segment), raw);
    }),
    { numRuns: 5_000 },
  );
  assert(count.taken > 500 && count.refused > 500, JSON.stringify(count));
});

test('property: every printable path survives its escaping, in whichever way each character is written', () => {
  const outcome = (raw: string) => {
    try {
      return parse(`/v1/${raw}`);
    } catch (error) {
      assert(error instanceof CodedError);
      assert.match(error.message, /not supported|not printable/);
      return error.message;
    }
  };
  const written = (text: string, isEscaped: () => boolean): string =>
    [...Buffer.from(text)]
      .map((byte) => {
        const char = String.fromCharCode(byte);
        const mustEscape = byte < 0x21 || byte > 0x7e || '%#?'.includes(char);
        return mustEscape || isEscaped() ? `%${byte.toString(16).padStart(2, '0')}` : char;
      })
      .join('');
  let taken = 0;
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.infiniteStream(fc.boolean()),
      (text, escaped) => {
        const found = outcome(written(text, () => escaped.next().value));
        assert.equal(found, outcome(written(text, () => true)));
        if (found === text) taken++;
        else assert.match(text, /^\/|\/\/|(^|\/)\.\.?(\/|$)|\/$|(?! )[\p{C}\p{Z}]/u, `${text}: ${found}`);
      },
    ),
    { numRuns: 1_000 },
  );
  assert(taken > 800, `${taken} of 1000`);
});
