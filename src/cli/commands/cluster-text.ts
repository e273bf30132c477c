/**
 * Answers of `sys/cluster/…` as tables for a person.
 *
 * @module
 */
import { type Json, type JsonMap, JsonNumber } from '../../model/json.ts';
import { display } from '../go-text.ts';
import { asMap } from '../secret.ts';
import { columns, table } from '../table.ts';

export const textOf = (map: JsonMap | undefined, name: string): string => display(map?.get(name) ?? '');
export const numberOf = (map: JsonMap, name: string): number => {
  const value = map.get(name);
  return value instanceof JsonNumber ? Number(value.text) : 0;
};
export const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);
export const mapsOf = (value: Json | undefined): JsonMap[] =>
  listOf(value).map((one): JsonMap => asMap(one) ?? new Map());

/** What `cluster status` and `cluster watch` show. */
export function statusText(status: JsonMap): string {
  const nodes = mapsOf(status.get('nodes'));
  const pending = asMap(status.get('pending'));
  const facts = [
    ['Cluster', `${textOf(status, 'name')} ${textOf(status, 'id')}`],
    ['Epoch', textOf(status, 'epoch')],
    ['Keeper', textOf(status, 'keeper')],
    ['Protocol', textOf(status, 'protocol')],
    ['Sealed', textOf(status, 'sealed')],
    ['Answered by', textOf(status, 'node_id')],
  ];
  if (pending) {
    const waiting = listOf(pending.get('waiting_for')).map(display).join(', ');
    facts.push(['Next view', `${textOf(pending, 'number')}, waiting for ${waiting || 'nobody'}`]);
  }
  return `${columns(facts)}\n\n${table([NODE_HEADER, ...nodes.map(nodeRow)])}`;
}

const NODE_HEADER = [
  'Node',
  'State',
  'Shards',
  'Share',
  'Lag',
  'Silent',
  'Actors',
  'Replicas',
  'Version',
  'Address',
];

function nodeRow(node: JsonMap): string[] {
  const report = asMap(node.get('report')) ?? undefined;
  const share = (100 * numberOf(node, 'share')).toFixed(1);
  return [
    textOf(node, 'node_id'),
    stateOf(node),
    textOf(node, 'shards'),
    `${share} %`,
    textOf(node, 'lag'),
    `${textOf(node, 'silent_ms')} ms`,
    textOf(report, 'actors'),
    textOf(report, 'replicas_held'),
    textOf(node, 'version'),
    textOf(node, 'api_addr'),
  ];
}

/** Its state, and what else an operator should know of it. */
function stateOf(node: JsonMap): string {
  const state = textOf(node, 'state');
  const notes: string[] = [];
  if (node.get('member') !== true && state !== 'joining' && state !== 'sealed') notes.push('no member');
  if (node.get('sealed') === true && state !== 'sealed') notes.push('sealed');
  if (node.get('linked') !== true) notes.push('not linked');
  return notes.length === 0 ? state : `${state} (${notes.join(', ')})`;
}

export function whereaboutsText(found: JsonMap): string {
  const replicas = listOf(found.get('replicas')).map(display);
  const known = (name: string, yes: string, no: string) => {
    const value = found.get(name);
    return value === true ? yes : value === false ? no : 'it does not answer';
  };
  return columns([
    ['Actor', textOf(found, 'actor')],
    ['Shard', textOf(found, 'shard')],
    ['Owner', textOf(found, 'owner')],
    ['Claimed', known('claimed', 'yes', 'not yet')],
    ['In memory', known('active', 'yes', 'no')],
    ['Replicas', replicas.length === 0 ? 'none' : replicas.join(', ')],
    ['Epoch', textOf(found, 'epoch')],
  ]);
}

export function traceText(found: JsonMap): string {
  const rows = mapsOf(found.get('steps')).map((step) => {
    const took = step.get('took_ms');
    return [
      `${numberOf(step, 'at_ms').toFixed(3)} ms`,
      took instanceof JsonNumber ? `${Number(took.text).toFixed(3)} ms` : '-',
      textOf(step, 'node_id'),
      textOf(step, 'step'),
    ];
  });
  return table([['At', 'Took', 'Node', 'What'], ...rows]);
}

export function verificationText(found: JsonMap): string {
  const sections = Object.keys(Object.fromEntries(asMap(found.get('stored')) ?? []));
  const seqs = (map: JsonMap | null | undefined) =>
    sections.map((name) => textOf(asMap(map?.get(name)) ?? undefined, 'seq'));
  const rows = mapsOf(found.get('nodes')).map((node) => [
    textOf(node, 'node_id'),
    textOf(node, 'fences'),
    ...seqs(asMap(node.get('sections'))),
  ]);
  const faults = [
    ...listOf(found.get('faults')).map(display),
    ...mapsOf(found.get('nodes')).flatMap((node) =>
      listOf(node.get('faults')).map((fault) => `${textOf(node, 'node_id')}: ${display(fault)}`),
    ),
  ];
  const shown = table([
    ['Node', 'Fences', ...sections],
    ['(store)', '-', ...seqs(asMap(found.get('stored')))],
    ...rows,
  ]);
  if (found.get('good') === true) return `${shown}\n\nAll nodes hold what is stored.`;
  return `${shown}\n\n${faults.map((fault) => `! ${fault}`).join('\n')}`;
}
