import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  boolFlag,
  durationFlag,
  type FlagTable,
  intFlag,
  listFlag,
  mapFlag,
  optionalBoolFlag,
  parseFlags,
  stringFlag,
  unsignedFlag,
} from '../../src/cli/flags.ts';

const table = {
  name: stringFlag('', { env: 'VAULT_NAME' }),
  force: boolFlag('', { aliases: ['f'], env: 'VAULT_FORCE' }),
  maybe: optionalBoolFlag(''),
  count: intFlag('', { absent: 7 }),
  size: unsignedFlag(''),
  ttl: durationFlag(''),
  item: listFlag('', { env: 'VAULT_ITEMS' }),
  pair: mapFlag(''),
} satisfies FlagTable;

const parse = (args: string[], env = {}) => parseFlags(table, args, env);

test('one dash or two, with = or a further argument', () => {
  for (const args of [['-name=x'], ['--name=x'], ['-name', 'x'], ['--name', 'x']]) {
    assert.equal(parse([...args, 'rest']).values.name, 'x');
    assert.deepEqual(parse([...args, 'rest']).rest, ['rest']);
  }
  assert.equal(parse(['-name=a=b']).values.name, 'a=b');
  assert.equal(parse(['-name', '-force']).values.name, '-force');
});

test('a boolean takes no further argument', () => {
  const parsed = parse(['-force', 'false']);
  assert.equal(parsed.values.force, true);
  assert.deepEqual(parsed.rest, ['false']);
  assert.equal(parse(['-force=0']).values.force, false);
  assert.equal(parse(['-f']).values.force, true);
  assert.deepEqual([...parse(['-f']).given], ['force']);
});

test('the first argument that is no flag ends them, a double dash too and is dropped', () => {
  assert.deepEqual(parse(['path', '-name=x']).rest, ['path', '-name=x']);
  assert.deepEqual(parse(['--', '-name=x']).rest, ['-name=x']);
  assert.deepEqual(parse(['-', '-name=x']).rest, ['-', '-name=x']);
});

test('lists and maps grow, numbers have bases, an optional boolean knows that it was not given', () => {
  const { values } = parse([
    '-item=a',
    '-item',
    ' b ',
    '-pair=k=v=w',
    '-pair=l=',
    '-count=0x10',
    '-size=010',
    '-ttl=90',
  ]);
  assert.deepEqual(values.item, ['a', 'b']);
  assert.deepEqual(
    [...values.pair],
    [
      ['k', 'v=w'],
      ['l', ''],
    ],
  );
  assert.equal(values.count, 16);
  assert.equal(values.size, 8);
  assert.equal(values.ttl, 90_000_000_000n);
  assert.equal(values.maybe, undefined);
  assert.equal(parse(['-maybe=false']).values.maybe, false);
  assert.equal(parse([]).values.count, 7);
  assert.equal(parse(['-ttl=system']).values.ttl, -1_000_000_000n);
});

test('the environment gives defaults, COFFER_ before VAULT_, and is passed over where it does not parse', () => {
  assert.equal(parse([], { VAULT_NAME: 'v' }).values.name, 'v');
  assert.equal(parse([], { VAULT_NAME: 'v', COFFER_NAME: 'c' }).values.name, 'c');
  assert.equal(parse(['-name=flag'], { VAULT_NAME: 'v' }).values.name, 'flag');
  assert.equal(parse([], { VAULT_FORCE: 'perhaps' }).values.force, false);
  assert.deepEqual(parse([], { VAULT_ITEMS: 'a, b' }).values.item, ['a', 'b']);
  assert.equal(parse([], { VAULT_NAME: 'v' }).given.size, 0);
});

test("faults have the words of Go's flag package", () => {
  const faults: [string[], string][] = [
    [['-nope'], 'flag provided but not defined: -nope'],
    [['-name'], 'flag needs an argument: -name'],
    [['-=x'], 'bad flag syntax: -=x'],
    [['---name'], 'bad flag syntax: ---name'],
    [
      ['-force=perhaps'],
      'invalid boolean value "perhaps" for -force: strconv.ParseBool: parsing "perhaps": invalid syntax',
    ],
    [['-count=x'], 'invalid value "x" for flag -count: strconv.ParseInt: parsing "x": invalid syntax'],
    [
      ['-count=99999999999999999999'],
      'invalid value "99999999999999999999" for flag -count: strconv.ParseInt: parsing "99999999999999999999": value out of range',
    ],
    [['-size=-1'], 'invalid value "-1" for flag -size: strconv.ParseUint: parsing "-1": invalid syntax'],
    [['-ttl=soon'], 'invalid value "soon" for flag -ttl: time: invalid duration "soon"'],
    [['-pair=x'], 'invalid value "x" for flag -pair: missing = in KV pair: "x"'],
    [['-constructor=x'], 'flag provided but not defined: -constructor'],
  ];
  for (const [args, fault] of faults) assert.equal(parse(args).fault, fault);
});

test('never throws, and keeps the arguments after the flags as they were', () => {
  const argument = fc.oneof(
    fc.string(),
    fc.constantFrom('-name', '-force', '-item=', '--', '-', '-count', '--pair=a=b'),
  );
  fc.assert(
    fc.property(fc.array(argument), (args) => {
      const { rest } = parse(args);
      assert.deepEqual(rest, args.slice(args.length - rest.length));
    }),
  );
});
