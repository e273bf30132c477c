/**
 * Which fields of a secret fit what is looked for. Their values stay where the secret is: only names go back.
 *
 * @module
 */
import type { ActorContext, ActorOperation } from '../../model/actor.ts';
import { makeGlob } from '../../model/glob.ts';
import { type Json, JsonNumber } from '../../model/json.ts';
import { parseJson } from '../../model/json-parser.ts';
import { KV_SEARCH_FIELDS_MAX } from '../../model/limits.ts';
import { findVersion } from './data.ts';
import { asSecret, type KvState, kvSecret, payloadOf } from './kinds.ts';
import { textOf, VALUE_FORMAT } from './value.ts';

export interface FieldsAsked {
  readonly term: string;
  readonly ignoreCase: boolean;
  readonly values: boolean;
  /** A versioned mount: only what its newest version holds, where that is not deleted. */
  readonly versioned: boolean;
}

/** JSON pointers (RFC 6901) to fields whose name fits, or their value where values are asked for; the first so many. */
export const searchFields: ActorOperation<KvState, FieldsAsked, string[]> = {
  id: 'kv.search.fields',
  actor: kvSecret,
  mode: 'read',
  run(state, asked, ctx) {
    const text = newestText(state, asked.versioned, ctx);
    if (text === undefined) return { reply: [] };
    if (typeof text === 'string') return { reply: fieldsIn(parseJson(text), asked) };
    return text.then((one) => ({ reply: fieldsIn(parseJson(one), asked) }));
  },
};

function newestText(
  state: KvState,
  versioned: boolean,
  ctx: ActorContext,
): string | Promise<string> | undefined {
  if (!state) return undefined;
  if (!versioned) return state.form === VALUE_FORMAT ? textOf(state, ctx) : undefined;
  const found = findVersion(asSecret(state), 0, ctx.now());
  return !found || found.isGone ? undefined : payloadOf(found.secret, found.number, ctx);
}

export function fieldsIn(
  secret: Json,
  { term, ignoreCase, values }: Omit<FieldsAsked, 'versioned'>,
): string[] {
  const fits = makeGlob(term, { ignoreCase });
  const found: string[] = [];
  // Not by recursion: how deep a secret is, is not ours to say.
  const rest: { readonly value: Json; readonly pointer: string; readonly isNamed: boolean }[] = [
    { value: secret, pointer: '', isNamed: false },
  ];
  for (let one = rest.pop(); one && found.length < KV_SEARCH_FIELDS_MAX; one = rest.pop()) {
    const { value, pointer, isNamed } = one;
    if (isNamed || (values && scalarFits(value, fits))) found.push(pointer);
    if (value instanceof Map) {
      for (const [name, member] of [...value].reverse())
        rest.push({ value: member, pointer: `${pointer}/${escaped(name)}`, isNamed: fits(name) });
    } else if (Array.isArray(value)) {
      for (let at = value.length - 1; at >= 0; at--)
        rest.push({ value: value[at]!, pointer: `${pointer}/${at}`, isNamed: false });
    }
  }
  return found;
}

function scalarFits(value: Json, fits: (text: string) => boolean): boolean {
  if (typeof value === 'string') return fits(value);
  if (value instanceof JsonNumber) return fits(value.text);
  return typeof value === 'boolean' && fits(String(value));
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
