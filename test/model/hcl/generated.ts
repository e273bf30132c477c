/**
 * Random HCL documents: a value tree and a text that says it, in a random but legal layout.
 *
 * @module
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HCL writes interpolation like this
import fc from 'fast-check';

/** As HCL 1's own reader gives it: a block is a list of objects, since it may be repeated. */
export type Tree = string | number | boolean | Tree[] | { [key: string]: Tree };

interface Doc {
  readonly text: string;
  readonly tree: Tree;
}

const attribute = fc.constantFrom(
  'alpha',
  'b',
  'name.dot',
  'with-dash',
  '_u',
  'é',
  '"quoted key"',
  '"a\\"b"',
);
const blockName = fc.constantFrom('path', 'listener', 'telemetry');
const gap = fc.constantFrom(' ', '  ', '\t', ' /* c */ ');
const separator = fc.constantFrom(
  '\n',
  '\r\n',
  '\n\n',
  ' ',
  ' # c\n',
  ' // c\n',
  '\n/* c\n */\n',
  ', ',
  ',\n',
);
const break_ = fc.constantFrom('', ' ', '\n', ' # c\n', '\n# c\n');

const string: fc.Arbitrary<Doc> = fc.string({ unit: 'grapheme', maxLength: 12 }).map((tree) => {
  const clean = tree.replaceAll(/[\u0000\ue123$\r]/g, '');
  const text = JSON.stringify(clean).replaceAll(/\\[bf]/g, ' ');
  return { text, tree: JSON.parse(text) as string };
});
const interpolated = fc.constantFrom<Doc>(
  { text: '"${a}"', tree: '${a}' },
  { text: '"x${ "in \\n" }y"', tree: 'x${ "in \\n" }y' },
  { text: '"${ {a} }\\t$"', tree: '${ {a} }\t$' },
  { text: '"$5"', tree: '$5' },
);
const escaped = fc.constantFrom<Doc>(
  { text: '"\\x41\\102\\u00e9\\U0001F600"', tree: 'AB\u00e9\u{1F600}' },
  { text: '"\\xc3\\xa9"', tree: 'é' },
  { text: '"\\a\\v\\\\"', tree: '\u0007\u000b\\' },
);
const number = fc.oneof(
  fc.integer().map((n) => ({ text: String(n), tree: n })),
  fc.constantFrom<Doc>(
    { text: '0x1F', tree: 31 },
    { text: '017', tree: 15 },
    { text: '1.5', tree: 1.5 },
    { text: '-2.5e3', tree: -2500 },
    { text: '1e3', tree: 1000 },
    { text: '0', tree: 0 },
  ),
);
const bool = fc.boolean().map((tree) => ({ text: String(tree), tree }));
const heredoc = fc.constantFrom<Doc>(
  { text: '<<EOF\none\n two\nEOF\n', tree: 'one\n two\n' },
  { text: '<<-EOF\n  one\n    two\n  EOF\n', tree: 'one\n  two\n' },
  { text: '<<-EOF\n  one\n\n  two\n  EOF\n', tree: '  one\n\n  two\n' },
  { text: '<<E2\nE2x\n  E2\n', tree: 'E2x\n  ' },
  { text: '<<X\nX\n', tree: '' },
);

const scalar: fc.Arbitrary<Doc> = fc.oneof(
  { weight: 4, arbitrary: string },
  { weight: 2, arbitrary: number },
  bool,
  interpolated,
  escaped,
  heredoc,
);

function unquoted(key: string): string {
  return key.startsWith('"') ? (JSON.parse(key) as string) : key;
}

function list(value: fc.Arbitrary<Doc>): fc.Arbitrary<Doc> {
  const element = fc.tuple(break_, value, break_);
  return fc
    .tuple(fc.array(element, { maxLength: 4 }), fc.boolean(), break_)
    .map(([elements, comma, end]) => ({
      text: `[${elements.map(([a, { text }, b]) => a + text + b).join(',')}${comma && elements.length > 0 ? ',' : ''}${end}]`,
      tree: elements.map(([, { tree }]) => tree),
    }));
}

/** Objects inside lists are objects; everywhere else they are lists of one. */
function members(depth: number): fc.Arbitrary<{ text: string; tree: { [key: string]: Tree } }> {
  const value: fc.Arbitrary<Doc> =
    depth === 0 ? scalar : fc.oneof({ weight: 3, arbitrary: scalar }, list(inList(depth - 1)));
  const assignment = fc.record({ key: attribute, a: gap, b: gap, value });
  const block = fc.record({
    name: blockName,
    labels: fc.array(string, { minLength: 0, maxLength: 2 }),
    a: gap,
    body: depth === 0 ? fc.constant({ text: '', tree: {} }) : members(depth - 1),
    end: break_,
  });
  return fc
    .tuple(
      fc.uniqueArray(assignment, { maxLength: 3, selector: ({ key }) => unquoted(key) }),
      fc.uniqueArray(block, { maxLength: 2, selector: ({ name }) => name }),
      fc.array(separator, { minLength: 8, maxLength: 8 }),
      break_,
    )
    .map(([assignments, blocks, separators, start]) => {
      const tree: { [key: string]: Tree } = Object.create(null);
      const texts: string[] = [];
      for (const { key, a, b, value } of assignments) {
        tree[unquoted(key)] = value.tree;
        texts.push(`${key}${a}=${b}${value.text}`);
      }
      for (const { name, labels, a, body, end } of blocks) {
        let inner: Tree = [body.tree];
        for (const label of labels.toReversed())
          inner = [Object.assign(Object.create(null), Object.fromEntries([[label.tree as string, inner]]))];
        tree[name] = inner;
        texts.push(`${name}${labels.map((label) => ` ${label.text}`).join('')}${a}{${body.text}${end}}`);
      }
      return { text: start + texts.map((text, n) => text + separators[n]).join(''), tree };
    });
}

function inList(depth: number): fc.Arbitrary<Doc> {
  if (depth <= 0) return scalar;
  return fc.oneof(
    { weight: 3, arbitrary: scalar },
    members(depth - 1).map(({ text, tree }) => ({ text: `{${text}}`, tree })),
  );
}

/** `tree` is what the document says. */
export const document = members(3);

/** Pieces of HCL in any order: mostly not HCL. */
export const rubbish = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'path',
        '"x"',
        '{',
        '}',
        '[',
        ']',
        ',',
        '=',
        '<<EOF\n',
        '\nEOF\n',
        '<<-E\n',
        '#',
        '//',
        '/*',
        '*/',
        '"',
        '\\',
        '${',
        '\n',
        '1',
        '0x',
        '.',
        '-',
        '1e',
        'true',
        '\u0000',
        '\ud800',
        '\ufeff',
        '\\u12',
        ':',
        'null',
        '"a":',
        '"\\xff"',
        '08',
        '\r',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(''));
