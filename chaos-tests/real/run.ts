/**
 * `npm run chaos:real -- --minutes M --coordinator etcd|consul|embedded [--nodes N] [--members N] [--hosts] [--clocks] [--disk]
 * [--faults kill,pause,…] [--seed N] [--rate N] [--keep FOLDER]`: a cluster of real processes under load while faults happen, one after
 * another; then the history is checked. `--keep` leaves it as a file, and what the nodes printed.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { StoreKind } from '../../test/support/nodes.ts';
import { runChaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    coordinator: { type: 'string', default: 'etcd' },
    nodes: { type: 'string', default: '3' },
    members: { type: 'string', default: '1' },
    faults: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rate: { type: 'string', default: '300' },
    keep: { type: 'string' },
    hosts: { type: 'boolean', default: false },
    clocks: { type: 'boolean', default: false },
    disk: { type: 'boolean', default: false },
  },
});

const VIOLATIONS_SHOWN = 50;

const say = (line: string) =>
  process.stdout.write(`${(performance.now() / 1_000).toFixed(1).padStart(7)} s  ${line}\n`);

let untilMs: number | undefined;
const found = await runChaos({
  store: values.coordinator as StoreKind,
  nodes: Number(values.nodes),
  members: Number(values.members),
  seed: Number(values.seed),
  rate: Number(values.rate),
  isOver() {
    untilMs ??= performance.now() + Number(values.minutes) * 60_000;
    return performance.now() >= untilMs;
  },
  faults: values.faults?.split(','),
  hosts: values.hosts,
  clocks: values.clocks,
  disk: values.disk,
  say,
});
if ('missing' in found) throw new Error(found.missing);
say(
  `${found.requests} requests, ${found.faults} faults: ${found.violations.length} violations, ${found.refused} refused with 503, ` +
    `${found.full} refused for want of room, ${found.broken} broken with their node, ${found.undecided} histories undecided; ` +
    `p50 ${found.p50Ms.toFixed(1)} ms, p99 ${found.p99Ms.toFixed(1)} ms`,
);
for (const violation of found.violations.slice(0, VIOLATIONS_SHOWN)) say(`violation: ${violation}`);
if (values.keep !== undefined) {
  mkdirSync(values.keep, { recursive: true });
  const lines = found.history.map((entry) => `${JSON.stringify(entry)}\n`);
  writeFileSync(join(values.keep, 'history.jsonl'), lines.join(''));
  for (const [id, output] of found.outputs) writeFileSync(join(values.keep, `${id}.log`), output);
}
if (found.violations.length > 0) {
  const { minutes, coordinator, nodes, members, rate, seed, faults } = values;
  const switches = (['hosts', 'clocks', 'disk'] as const).filter((name) => values[name]);
  say(
    [
      `again: npm run chaos:real -- --minutes ${minutes} --coordinator ${coordinator} --nodes ${nodes} --members ${members}`,
      ` --rate ${rate} --seed ${seed}`,
      ...switches.map((name) => ` --${name}`),
      faults === undefined ? '' : ` --faults ${faults}`,
    ].join(''),
  );
  process.exitCode = 1;
}
