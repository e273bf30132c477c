/**
 * Faults of real processes, by name.
 *
 * @module
 */
import type { Fault, FaultContext } from './fault-context.ts';
import { LINE_FAULTS } from './line-faults.ts';
import { MACHINE_FAULTS } from './machine-faults.ts';
import { NODE_FAULTS } from './node-faults.ts';
import { STORE_FAULTS } from './store-faults.ts';

export const FAULTS: Readonly<Record<string, Fault>> = {
  ...NODE_FAULTS,
  ...STORE_FAULTS,
  ...LINE_FAULTS,
  ...MACHINE_FAULTS,
};

/** Those that can be had: of stores, of hosts, of clocks, of a disk of one's own. */
export function faultsFor({
  cluster,
  hosts,
  machine,
}: Pick<FaultContext, 'cluster' | 'hosts' | 'machine'>): string[] {
  return Object.keys(FAULTS).filter((name) => {
    if (name === 'store-leader') return cluster.stores.length > 1;
    if (name in STORE_FAULTS) return cluster.stores.length > 0;
    if (name === 'clock') return machine?.clocks !== undefined;
    if (name === 'disk') return machine?.disk !== undefined;
    return hosts !== undefined || !(name in LINE_FAULTS);
  });
}
