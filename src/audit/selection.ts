/**
 * Which entries a device takes (`filter`, `fallback`) and what it leaves out of them (`exclude`), as in Vault Enterprise.
 *
 * @module
 */
import type { AuditEntry } from '../model/audit.ts';
import { badRequest } from '../model/errors.ts';
import { AUDIT_EXCLUSIONS_MAX } from '../model/limits.ts';
import { type Condition, parseExpression, pointerOf } from './expression.ts';
import type { Formatter, Line } from './formatter.ts';

export interface Selection {
  /** Does it take that entry? Absent: it takes all. */
  readonly filter?: (entry: AuditEntry) => boolean;
  /** It takes what no device with a filter takes. */
  readonly isFallback: boolean;
}

const NAMES = ['mount_point', 'mount_type', 'namespace', 'operation', 'path'];

/** @throws CodedError `bad_request` where an option is wrong. */
export function parseSelection(filter: string | undefined, isFallback: boolean): Selection {
  if (!filter) return { isFallback };
  if (isFallback)
    throw badRequest('a fallback device takes what filters leave over: it has no filter of its own');
  const condition = parseExpression(filter, { names: NAMES });
  return { isFallback, filter: ({ request }) => condition(([name]) => shown(request, name!)) };
}

function shown(request: AuditEntry['request'], name: string): string {
  switch (name) {
    case 'mount_point':
      return request.mountPoint ?? '';
    case 'mount_type':
      return request.mountType ?? '';
    case 'namespace':
      return request.namespacePath ?? '';
    case 'operation':
      return request.operation;
    default:
      return request.path;
  }
}

export interface Exclusion {
  readonly condition: Condition | undefined;
  readonly fields: readonly (readonly string[])[];
}

/** Links and kinds of lines: without them no log can be read. */
const KEPT = new Set(['time', 'type']);

/** @throws CodedError `bad_request` where it is no list of exclusions. */
export function parseExclusions(text: string | undefined): Exclusion[] {
  if (!text) return [];
  const wrong = (what: string): never => {
    throw badRequest(`exclude must be a JSON list of objects with "fields" and perhaps "condition": ${what}`);
  };
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    wrong('it is no JSON');
  }
  if (!Array.isArray(list) || list.length > AUDIT_EXCLUSIONS_MAX) return wrong('it is no list, or too long');
  return list.map((one: unknown): Exclusion => {
    if (typeof one !== 'object' || one === null) return wrong('one of them is no object');
    const { condition, fields, ...more } = one as { condition?: unknown; fields?: unknown };
    if (Object.keys(more).length > 0) return wrong('one of them has another member');
    if (condition !== undefined && typeof condition !== 'string') return wrong('a condition is no text');
    if (!Array.isArray(fields) || fields.length === 0) return wrong('one of them names no fields');
    return {
      condition: condition ? parseExpression(condition) : undefined,
      fields: fields.map((field) => {
        const path = typeof field === 'string' ? pointerOf(field) : undefined;
        if (!path || path[0] === '') return wrong('a field is no JSON pointer');
        if (KEPT.has(path[0]!)) return wrong('/time and /type cannot be left out');
        return path;
      }),
    };
  });
}

/** Leaves out of each line what is to be. Conditions see the whole line, whatever has been left out of it before. */
export function excluding(formatter: Formatter, exclusions: readonly Exclusion[]): Formatter {
  if (exclusions.length === 0) return formatter;
  const less = (line: Line): Line =>
    typeof line === 'string' ? leaveOut(line, exclusions) : async () => leaveOut(await line(), exclusions);
  return {
    request: (...args) => less(formatter.request(...args)),
    response: (...args) => less(formatter.response(...args)),
  };
}

type Members = Record<string, unknown>;

function leaveOut(line: string, exclusions: readonly Exclusion[]): string {
  // Numbers keep their digits: they are compared and written as the text that they are.
  const whole = JSON.parse(line, keepNumber) as Members;
  const fields = exclusions.flatMap((exclusion) =>
    (exclusion.condition?.((path) => at(whole, path)) ?? true) ? exclusion.fields : [],
  );
  for (const path of fields) remove(whole, path);
  return JSON.stringify(whole);
}

type Source = { readonly source: string };
const raw = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

function keepNumber(_name: string, value: unknown, context?: Source): unknown {
  return typeof value === 'number' && context && String(value) !== context.source
    ? raw(context.source)
    : value;
}

function at(whole: unknown, path: readonly string[]): unknown {
  let found = whole;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Members)[name];
  }
  return found;
}

function remove(whole: Members, path: readonly string[]): void {
  const parent = at(whole, path.slice(0, -1));
  const name = path.at(-1)!;
  if (Array.isArray(parent)) {
    if (/^\d+$/.test(name)) parent.splice(Number(name), 1);
  } else if (typeof parent === 'object' && parent !== null) delete (parent as Members)[name];
}
