/**
 * What a planted fault is (protocol §21): one rule broken in the parts that are handed in.
 *
 * @module
 */
import type { Coordinator } from '../src/model/coordinator.ts';
import type { Storage } from '../src/model/storage.ts';
import type { ServerPlant } from './sim/server.ts';
import type { ConnectOptions } from './sim/storage.ts';

export interface PlantedFault {
  readonly about: string;
  readonly scenario: string;
  readonly foundBy: readonly string[];
  readonly seed: number;
  /** Of that run. */
  readonly operations: number;
  readonly connect?: ConnectOptions;
  readonly storage?: (storage: Storage) => Storage;
  readonly server?: ServerPlant;
  readonly coordinator?: (coordinator: Coordinator) => Coordinator;
  /** One of `src/cluster/faults.ts`. */
  readonly membership?: string;
}
