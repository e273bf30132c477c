/**
 * Golden files: what was typed and what was answered, as text that people can read and edit.
 *
 * ```
 * # A comment.
 * == kv put says where it wrote
 * authority: bao 2.7.2
 * waits: the server does not wrap yet
 * env: VAULT_FORMAT=json
 * stdin: first line\nsecond line\n
 * save: name
 * $ kv put secret/hello 'who=the world'
 * > a line on standard output
 * >~ the last one, without a line end
 * 2> a line on standard error; 2>~ likewise
 * exit 0
 * ```
 *
 * `{address}`, `{dir}` and what an earlier case saved may stand in a command; outputs have `<address>`, `<uuid>` and the like instead.
 *
 * @module
 */

export interface GoldenCase {
  title: string;
  /** Who says that this is right: `bao 2.7.2` or a page of Vault's documentation. */
  authority: string;
  env: Record<string, string>;
  stdin: string;
  /** Name under which standard output, trimmed, is kept for later cases. */
  save?: string;
  command: string;
  stdout: string;
  stderr: string;
  exit: number;
  /** What the server cannot do yet, or says otherwise: the case must fail, and is noted as to do. */
  waits?: string;
  /** Comment lines in front of it. */
  comments: string[];
}

/** @throws Error that names the line which is none of the forms. */
export function parseTranscript(text: string): GoldenCase[] {
  const cases: GoldenCase[] = [];
  let comments: string[] = [];
  let current: GoldenCase | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('#')) comments.push(line);
    else if (line.startsWith('== ')) {
      current = emptyCase(line.slice(3), comments);
      comments = [];
      cases.push(current);
    } else if (line !== '') {
      if (!current || !addLine(current, line)) throw new Error(`line ${i + 1}: ${line}`);
    }
  }
  return cases;
}

function emptyCase(title: string, comments: string[]): GoldenCase {
  return { title, authority: '', env: {}, stdin: '', command: '', stdout: '', stderr: '', exit: 0, comments };
}

function addLine(into: GoldenCase, line: string): boolean {
  const [, key = '', value = ''] =
    /^(authority|waits|env|stdin|save|\$|>~|>|2>~|2>|exit)(?::)? ?(.*)$/.exec(line) ?? [];
  if (key === 'authority') into.authority = value;
  else if (key === 'waits') into.waits = value;
  else if (key === 'env') into.env[value.slice(0, value.indexOf('='))] = value.slice(value.indexOf('=') + 1);
  else if (key === 'stdin') into.stdin = JSON.parse(`"${value.replaceAll('"', '\\"')}"`) as string;
  else if (key === 'save') into.save = value;
  else if (key === '$') into.command = value;
  else if (key === '>') into.stdout += `${value}\n`;
  else if (key === '>~') into.stdout += value;
  else if (key === '2>') into.stderr += `${value}\n`;
  else if (key === '2>~') into.stderr += value;
  else if (key === 'exit') into.exit = Number(value);
  else return false;
  return true;
}

/** The text that `parseTranscript` reads back. */
export function renderTranscript(cases: readonly GoldenCase[]): string {
  return `${cases.map(renderCase).join('\n\n')}\n`;
}

function renderCase(golden: GoldenCase): string {
  const lines = [...golden.comments, `== ${golden.title}`, `authority: ${golden.authority}`];
  if (golden.comments.length > 0) lines.splice(golden.comments.length, 0, '');
  for (const [name, value] of Object.entries(golden.env)) lines.push(`env: ${name}=${value}`);
  if (golden.waits) lines.push(`waits: ${golden.waits}`);
  if (golden.stdin !== '')
    lines.push(`stdin: ${JSON.stringify(golden.stdin).slice(1, -1).replaceAll('\\"', '"')}`);
  if (golden.save) lines.push(`save: ${golden.save}`);
  lines.push(
    `$ ${golden.command}`,
    ...outputLines(golden.stdout, '>', '>~'),
    ...outputLines(golden.stderr, '2>', '2>~'),
  );
  return [...lines, `exit ${golden.exit}`].join('\n');
}

function outputLines(text: string, mark: string, lastMark: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  const last = lines.pop() as string;
  const marked = lines.map((line) => (line === '' ? mark : `${mark} ${line}`));
  return last === '' ? marked : [...marked, `${lastMark} ${last}`];
}

/** Splits a command as a shell would, with single and double quotes and `$'…'`-less simplicity: nothing is expanded. */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g)) {
    words.push(match[0].replace(/'([^']*)'|"([^"]*)"/g, (_all, single, double) => single ?? double));
  }
  return words;
}
