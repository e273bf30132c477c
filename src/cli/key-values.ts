/**
 * `key=value` arguments, and the files and standard input that may stand in for either side.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Json, type JsonMap, JsonNumber } from '../model/json.ts';
import { quote } from '../model/printable.ts';
import { localFailure, messageOf } from './failure.ts';
import { decodeJson } from './go-json.ts';

/** Reads standard input once; a second use in the same command is a fault. */
export type ReadStdin = () => Promise<string>;

/** @param refused - `-non-interactive`: standard input counts as empty. */
export function stdinReader(stdin: Readable, refused: boolean): ReadStdin {
  let consumed = false;
  return async () => {
    if (consumed) throw new Error('stdin already consumed');
    consumed = true;
    return refused ? '' : readStream(stdin);
  };
}

/** Everything in `stream`, as UTF-8. */
export async function readStream(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads `args`: `k=v`, `k=@file`, `k=-`, `k=\@text`, `@file` or `-` for a JSON object. Values stay text, a key given twice becomes a list.
 * @param before - what the message of a CommandFailure starts with.
 */
export async function parseKeyValues(
  args: readonly string[],
  stdin: ReadStdin,
  before = 'Failed to parse K=V data',
): Promise<JsonMap> {
  const result: JsonMap = new Map();
  for (const arg of args) {
    try {
      await addArgument(result, arg, stdin);
    } catch (error) {
      throw localFailure(`${before}: invalid key/value pair ${quote(arg)}: ${messageOf(error)}`);
    }
  }
  return result;
}

async function addArgument(result: JsonMap, arg: string, stdin: ReadStdin): Promise<void> {
  if (arg === '') return;
  const equals = arg.indexOf('=');
  if (equals < 0) {
    if (arg !== '-' && !arg.startsWith('@')) throw new Error('format must be key=value');
    addObject(result, arg === '-' ? await stdin() : readFile(arg.slice(1)));
    return;
  }
  const key = arg.slice(0, equals);
  const value = await expandValue(arg.slice(equals + 1), stdin);
  const existing = result.get(key);
  if (!result.has(key)) result.set(key, value);
  else result.set(key, [...(Array.isArray(existing) ? existing : [existing ?? null]), value]);
}

async function expandValue(value: string, stdin: ReadStdin): Promise<string> {
  if (value === '-') return stdin();
  if (value.startsWith('\\@')) return value.slice(1);
  if (!value.startsWith('@')) return value;
  try {
    return readFile(value.slice(1));
  } catch (error) {
    throw new Error(`error reading file: ${messageOf(error)}`);
  }
}

function addObject(result: JsonMap, text: string): void {
  const decoded = decodeJson(text);
  if (decoded === null) return;
  if (!(decoded instanceof Map)) {
    throw new Error(
      `json: cannot unmarshal ${kindOf(decoded)} into Go value of type map[string]interface {}`,
    );
  }
  for (const [key, value] of decoded) result.set(key, value);
}

function kindOf(value: Json): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'number';
}

/** @throws Error in the words of Go's os package. */
export function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error(`open ${path}: no such file or directory`);
    if (code === 'EACCES') throw new Error(`open ${path}: permission denied`);
    if (code === 'EISDIR') throw new Error(`read ${path}: is a directory`);
    throw new Error(message);
  }
}

/** For query parameters: every value as a list of texts. */
export function asTextLists(data: JsonMap): Map<string, string[]> {
  return new Map(
    [...data].map(([key, value]) => [key, (Array.isArray(value) ? value : [value]).map(asText)]),
  );
}

/** For options that are texts: booleans become 1 and 0, as Vault decodes them. @throws CommandFailure for lists and objects. */
export function asTexts(data: JsonMap, before: string): Map<string, string> {
  return new Map(
    [...data].map(([key, value]) => {
      if (Array.isArray(value) || value instanceof Map) {
        throw localFailure(`${before}: failed to convert values to strings: '${key}' is no text`);
      }
      return [key, asText(value)];
    }),
  );
}

function asText(value: Json): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof JsonNumber) return value.text;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
