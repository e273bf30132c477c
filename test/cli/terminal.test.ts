/** What is different where a person sits at the terminal: colours, a line end, questions without echo. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { askHidden } from '../../src/cli/prompt.ts';
import { makeTerminal, type Streams } from '../../src/cli/terminal.ts';
import { collector } from './in-process.ts';

function streams(person: boolean): Streams & { out(): string; err(): string } {
  const [stdout, stderr] = [collector(), collector()];
  return {
    stdin: Object.assign(new PassThrough(), { isTTY: person }),
    stdout: Object.assign(stdout.stream, { isTTY: person }),
    stderr: stderr.stream,
    out: stdout.text,
    err: stderr.text,
  };
}

test('errors are red and warnings yellow, for people and tables only', () => {
  const print = (person: boolean, format: string, env: Record<string, string>) => {
    const all = streams(person);
    const terminal = makeTerminal(all, env, format);
    terminal.error('e');
    terminal.warn('w');
    return all.err();
  };
  assert.equal(print(true, 'table', {}), '\u001b[0;31me\u001b[0m\n\u001b[0;33mw\u001b[0m\n');
  for (const [name, value] of [
    ['NO_COLOR', '1'],
    ['VAULT_CLI_NO_COLOR', '1'],
    ['COFFER_CLI_NO_COLOR', '1'],
    ['TERM', 'dumb'],
  ] as const) {
    assert.equal(print(true, 'table', { [name]: value }), 'e\nw\n', name);
  }
  assert.equal(print(true, 'json', {}), 'e\nw\n');
  assert.equal(print(false, 'table', {}), 'e\nw\n');
});

test('a field ends with a line end for people only', () => {
  for (const person of [true, false]) {
    const all = streams(person);
    makeTerminal(all, {}, 'table').raw('value');
    assert.equal(all.out(), person ? 'value\n' : 'value');
  }
});

test('a hidden question: typed keys are not shown, erasing works, the mode is put back', async () => {
  const all = streams(true);
  const modes: boolean[] = [];
  Object.assign(all.stdin, { setRawMode: (mode: boolean) => modes.push(mode) });
  let shown = '';
  const asking = askHidden('Token: ', all, (text) => {
    if (text === 'Token: ') assert.deepEqual(modes, [true], 'the question comes once nothing is echoed');
    shown += text;
  });
  (all.stdin as unknown as PassThrough).write('wrong\u0015sec');
  (all.stdin as unknown as PassThrough).write('rez\u007ft\r');
  assert.equal(await asking, 'secret');
  assert.equal(shown, 'Token: \n');
  assert.deepEqual(modes, [true, false]);
});

test('Control-C ends the question, and the mode is put back', async () => {
  const all = streams(true);
  const modes: boolean[] = [];
  Object.assign(all.stdin, { setRawMode: (mode: boolean) => modes.push(mode) });
  const asking = askHidden('', all, () => {});
  (all.stdin as unknown as PassThrough).write('se\u0003');
  await assert.rejects(asking, { message: 'interrupted' });
  assert.deepEqual(modes, [true, false]);
});

test('without a terminal there is no hidden question', async () => {
  await assert.rejects(
    askHidden('', streams(false), () => {}),
    { message: 'file descriptor 0 is not a terminal' },
  );
});
