import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { formatHcl, HclError, type HclItem, type HclValue, parseHcl } from '../../../src/model/hcl.ts';
import { document } from './generated.ts';

// Expected texts are what `bao policy fmt` 2.7.2 writes for the same file, unless a test says otherwise.
const LAYOUTS: [name: string, text: string, formatted: string][] = [
  [
    'a one-line block is opened, each attribute on its own',
    'path "secret/*" { capabilities = ["read", "list"] policy="read" }',
    'path "secret/*" {\n  capabilities = ["read", "list"]\n\n  policy = "read"\n}\n',
  ],
  [
    'neighbouring attributes are aligned',
    'path   "a" {\ncapabilities=["read"]  # why\nmin_wrapping_ttl = "1s" # how\n\nmax_wrapping_ttl=90 // x\n}',
    'path "a" {\n  capabilities     = ["read"] # why\n  min_wrapping_ttl = "1s"     # how\n\n  max_wrapping_ttl = 90 // x\n}\n',
  ],
  [
    'blocks are set apart',
    'path "a" {}\npath "b" {}\n\npath "c" {}\nname = "x"',
    'path "a" {}\npath "b" {}\n\npath "c" {}\n\nname = "x"\n',
  ],
  [
    'a list on several lines stays so, with a comma behind each',
    'path "a" {\n  capabilities = ["read",\n"list" # why\n,"sudo"]\n}',
    'path "a" {\n  capabilities = [\n    "read",\n    "list", # why\n    "sudo",\n  ]\n}\n',
  ],
  [
    'comments keep their places',
    '# top\n\n# about a\npath "a" {\n    # first\n\n  capabilities = ["read"] // end\n  // last\n}\n/* bottom */\n',
    '# top\n\n# about a\npath "a" {\n  # first\n\n  capabilities = ["read"] // end\n\n  // last\n}\n\n/* bottom */\n\n',
  ],
  [
    'a heredoc stays as it is',
    'path "a" {\n      comment = <<EOF\n one\n   two\nEOF\n  capabilities = ["read"]\n}',
    'path "a" {\n  comment = <<EOF\n one\n   two\nEOF\n\n  capabilities = ["read"]\n}\n',
  ],
  ['nothing becomes an empty line', '', '\n'],
];

for (const [name, text, formatted] of LAYOUTS) {
  test(`format: ${name}`, () => {
    assert.equal(formatHcl(text), formatted);
  });
}

test('comments at the start of a block keep their own lines (HCL 1 puts them on one)', () => {
  assert.equal(formatHcl('a {\n# b\n# c\n\nd = 1\n}'), 'a {\n  # b\n  # c\n\n  d = 1\n}\n');
});

test('a comment behind a heredoc does not land behind its closing mark (where HCL 1 puts it)', () => {
  assert.equal(formatHcl('a = <<E\nx\nE\n, # b\nc = 1'), 'a = <<E\nx\nE\n\nc = 1 # b\n');
  assert.equal(formatHcl('d = [ # b\n]\na = <<E\nx\nE\n'), 'd = [] # b\n\na = <<E\nx\nE\n');
});

test('refuses what is not HCL', () => {
  assert.throws(() => formatHcl('{"path": {}}'), HclError);
  assert.throws(() => formatHcl('path "x" {'), HclError);
});

/** What the text says, without places and comments. */
function meaning(items: readonly HclItem[]): unknown {
  return items.map(({ keys, value }) => [keys.map((key) => key.text), said(value)]);
}

function said(value: HclValue): unknown {
  if (value.kind === 'object') return meaning(value.items);
  return value.kind === 'list' ? value.elements.map(said) : [value.kind, value.text];
}

function comments(text: string): string[] {
  return parseHcl(text)
    .comments.flat()
    .map((comment) => comment.text.replaceAll(/\s+/g, ' '))
    .sort();
}

test('formatting changes neither what a text says nor its comments', () => {
  fc.assert(
    fc.property(document, ({ text }) => {
      const formatted = formatHcl(text);
      assert.deepEqual(meaning(parseHcl(formatted).items), meaning(parseHcl(text).items));
      assert.deepEqual(comments(formatted), comments(text));
    }),
    { numRuns: 500 },
  );
});

test('formats the greatest text in bounded time', () => {
  const texts = [
    `${'a {\n'.repeat(60)}${'}\n'.repeat(60)}`,
    'a {}\n# c\n\n'.repeat(30_000),
    `x {\n${'a {}\n\n# c\n\n'.repeat(30_000)}}`,
    `x {\n${'a = 1\n'.repeat(60_000)}}`,
  ];
  for (const text of texts) {
    const start = performance.now();
    formatHcl(text);
    assert(performance.now() - start < 3_000, `${text.slice(0, 20)}: ${performance.now() - start} ms`);
  }
});
