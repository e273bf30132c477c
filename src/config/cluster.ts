/**
 * `cluster { … }`: how this node is one of several.
 *
 * @module
 */

import { HclError } from '../model/hcl.ts';
import { type Fields, value } from './fields.ts';
import { bool, integer, oneOf, seconds, text, textThat } from './values.ts';

/** A number between 0.01 and 100, as the view takes it. */
const weight = value((node) => {
  const found = 'text' in node && node.text !== '' ? Number(node.text) : Number.NaN;
  if (!(found >= 0.01 && found <= 100))
    throw new HclError(node.position, 'expected a number from 0.01 to 100');
  return found;
});

export const CLUSTER = {
  /** File that holds the cluster's secret: whoever knows it may join. */
  secret_file: text,
  /** The only node: no secret, nobody may join. */
  single: bool,
  /** An operator admits each new identity. */
  approve: bool,
  /** Folder of this node's own files, its identity first of all. */
  data_dir: text,
  weight,
  zone: textThat((found) => found.length <= 128, 'at most 128 characters'),
  /** The highest version of messages that is spoken, for upgrades in two steps. */
  protocol_max: integer(1, 65_535),
  partition_reads: oneOf({ deny: false, allow: true } as const, '"deny" or "allow"'),
  partition_reads_max: seconds,
} as const satisfies Fields;

export interface ClusterConfig {
  readonly secretFile: string | undefined;
  readonly single: boolean;
  readonly approve: boolean;
  readonly dataFolder: string | undefined;
  readonly weight: number;
  readonly zone: string;
  readonly protocolMax: number | undefined;
  /** Seconds that a node cut off goes on answering reads from what it holds; 0: it does not. */
  readonly partitionReads: number;
}
