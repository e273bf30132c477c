/**
 * As much of Helm's template language as our chart uses: values by their path, `if`, `else`, `end`, `not`, and the pipes `quote`, `default`,
 * `toYaml`, `nindent`. What it does not know it refuses, so that the chart does not outgrow its test unnoticed.
 *
 * @module
 */
import { stringify } from 'yaml';

export interface HelmScope {
  readonly Values: unknown;
  readonly Release: { readonly Name: string; readonly Namespace: string };
  readonly Chart: { readonly AppVersion: string };
}

type Token = { readonly text: string } | { readonly action: string };

/** @throws Error that shows the action it does not know. */
export function renderTemplate(template: string, scope: HelmScope): string {
  const tokens = tokensOf(template);
  let at = 0;

  /** Up to the `else` or `end` that belongs to the caller. */
  function block(isWanted: boolean): string {
    let out = '';
    for (;;) {
      const token = tokens[at];
      if (token === undefined) return out;
      if ('text' in token) {
        at++;
        if (isWanted) out += token.text;
        continue;
      }
      if (token.action === 'end' || token.action === 'else') return out;
      at++;
      const condition = /^if (not )?(\S+)$/.exec(token.action);
      if (!condition) {
        if (isWanted) out += String(pipeline(token.action, scope) ?? '');
        continue;
      }
      const isTrue = isTruthy(lookup(condition[2]!, scope)) !== (condition[1] !== undefined);
      out += block(isWanted && isTrue);
      if (isAction('else')) out += block(isWanted && !isTrue);
      if (!isAction('end')) throw new Error(`${token.action}: no end`);
    }
  }

  function isAction(action: string): boolean {
    const token = tokens[at];
    const found = token !== undefined && 'action' in token && token.action === action;
    if (found) at++;
    return found;
  }

  const out = block(true);
  if (at < tokens.length) throw new Error('an else or end too many');
  return out;
}

function tokensOf(template: string): Token[] {
  const tokens: Token[] = [];
  let from = 0;
  let isTrimmed = false;
  const text = (to: number, trimEnd: boolean): void => {
    let found = template.slice(from, to);
    if (isTrimmed) found = found.trimStart();
    if (trimEnd) found = found.trimEnd();
    tokens.push({ text: found });
  };
  for (const match of template.matchAll(/\{\{(-?)\s*(.*?)\s*(-?)\}\}/g)) {
    text(match.index, match[1] === '-');
    tokens.push({ action: match[2]! });
    isTrimmed = match[3] === '-';
    from = match.index + match[0].length;
  }
  text(template.length, false);
  return tokens;
}

function pipeline(action: string, scope: HelmScope): unknown {
  const [first = '', ...pipes] = action.split(' | ');
  const [, wrapped] = /^toYaml (\S+)$/.exec(first) ?? [];
  let value: unknown = wrapped === undefined ? lookup(first, scope) : toYaml(lookup(wrapped, scope));
  for (const pipe of pipes) value = piped(value, pipe, scope);
  return value;
}

function piped(value: unknown, pipe: string, scope: HelmScope): unknown {
  const [name, argument = ''] = pipe.split(' ');
  if (name === 'quote') return JSON.stringify(String(value));
  if (name === 'default') return isTruthy(value) ? value : lookup(argument, scope);
  if (name === 'nindent') {
    const spaces = ' '.repeat(Number(argument));
    return `\n${String(value).replace(/^/gm, spaces)}`;
  }
  throw new Error(`a pipe that the test does not know: ${pipe}`);
}

function lookup(path: string, scope: HelmScope): unknown {
  if (!/^(\.\w+)+$/.test(path)) throw new Error(`an action that the test does not know: ${path}`);
  let found: unknown = scope;
  for (const name of path.slice(1).split('.')) {
    if (typeof found !== 'object' || found === null || !(name in found))
      throw new Error(`there is no ${path}`);
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

function toYaml(value: unknown): string {
  return stringify(value).trimEnd();
}

function isTruthy(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
