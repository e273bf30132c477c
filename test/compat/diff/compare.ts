/**
 * Finds the differences between two answers.
 *
 * @module
 */

import type { CallReply } from '../../support/http.ts';

export interface Difference {
  /** `status`, `header <name>`, `key order`, or a JSON pointer into the body (`/data/keys/0`). */
  where: string;
  bao: unknown;
  ours: unknown;
}

/** Headers that clients look at. */
const HEADERS = [
  'content-type',
  'cache-control',
  'location',
  'allow',
  'www-authenticate',
  'x-vault-namespace',
  'retry-after',
  'vary',
];

const ENVELOPE = new Set([
  'request_id',
  'lease_id',
  'renewable',
  'lease_duration',
  'data',
  'wrap_info',
  'warnings',
  'auth',
  'mount_type',
]);

/** What stands for a value that is not there. */
export const ABSENT = Symbol('absent');

export interface Comparable {
  reply: CallReply;
  /** The body after `normalise`. */
  body: unknown;
}

/** @param shapeOnly - compares the status and which keys there are. */
export function compareReplies(bao: Comparable, ours: Comparable, shapeOnly: boolean): Difference[] {
  const found: Difference[] = [];
  if (bao.reply.status !== ours.reply.status) {
    found.push({ where: 'status', bao: bao.reply.status, ours: ours.reply.status });
  }
  for (const name of HEADERS) {
    const [theirs, mine] = [bao.reply.headers[name] ?? ABSENT, ours.reply.headers[name] ?? ABSENT];
    if (theirs !== mine) found.push({ where: `header ${name}`, bao: theirs, ours: mine });
  }
  if (bao.body === undefined || ours.body === undefined || bao.reply.status !== ours.reply.status) {
    const [theirs, mine] = [bao.body ?? bao.reply.text, ours.body ?? ours.reply.text];
    const alike = shapeOnly || JSON.stringify(theirs) === JSON.stringify(mine);
    return alike ? found : [...found, { where: 'body', bao: theirs, ours: mine }];
  }
  const order = commonOrder(bao.body, ours.body);
  if (order !== undefined) found.push(order);
  compareValues('', bao.body, ours.body, shapeOnly, found);
  return found;
}

function compareValues(
  where: string,
  bao: unknown,
  ours: unknown,
  shapeOnly: boolean,
  found: Difference[],
): void {
  if (isMap(bao) && isMap(ours)) {
    for (const key of new Set([...Object.keys(bao), ...Object.keys(ours)])) {
      const pointer = `${where}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const [theirs, mine] = [
        Object.hasOwn(bao, key) ? bao[key] : ABSENT,
        Object.hasOwn(ours, key) ? ours[key] : ABSENT,
      ];
      if (theirs === ABSENT || mine === ABSENT) found.push({ where: pointer, bao: theirs, ours: mine });
      else compareValues(pointer, theirs, mine, shapeOnly, found);
    }
    return;
  }
  if (shapeOnly) {
    if (kindOf(bao) !== kindOf(ours)) found.push({ where, bao: kindOf(bao), ours: kindOf(ours) });
    return;
  }
  if (Array.isArray(bao) && Array.isArray(ours) && bao.length === ours.length) {
    for (const [index, item] of bao.entries())
      compareValues(`${where}/${index}`, item, ours[index], shapeOnly, found);
    return;
  }
  if (JSON.stringify(bao) !== JSON.stringify(ours)) found.push({ where, bao, ours });
}

/**
 * The difference in order of the keys both bodies have, at the top and in `data`; undefined where there is none. OpenBao puts the keys that
 * some sys endpoints repeat at the top in no order, so of an enveloped answer only the envelope's own are looked at.
 */
function commonOrder(bao: unknown, ours: unknown): Difference | undefined {
  if (!isMap(bao) || !isMap(ours)) return undefined;
  const compared = (key: string) => !Object.hasOwn(bao, 'request_id') || ENVELOPE.has(key);
  const theirs = Object.keys(bao).filter((key) => Object.hasOwn(ours, key) && compared(key));
  const mine = Object.keys(ours).filter((key) => Object.hasOwn(bao, key) && compared(key));
  if (theirs.join() !== mine.join()) return { where: 'key order', bao: theirs, ours: mine };
  return commonOrder(bao.data, ours.data);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string' && value.startsWith('<number ')) return 'number';
  return Array.isArray(value) ? 'array' : typeof value;
}
