import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columns, table } from '../../src/cli/table.ts';

test('columns are four spaces apart, empty cells are n/a, the last column is not padded', () => {
  assert.equal(
    table([
      ['Key', 'Value'],
      ['a', ''],
      ['longer', ' trimmed '],
    ]),
    'Key       Value\n---       -----\na         n/a\nlonger    trimmed',
  );
});

test('widths count characters, not bytes', () => {
  assert.equal(
    columns([
      ['∞žá', 'x'],
      ['abcd', 'y'],
    ]),
    '∞žá     x\nabcd    y',
  );
});

test('a cell of several lines stays as it is', () => {
  assert.equal(columns([['a', 'b\nc']]), 'a    b\nc');
});
