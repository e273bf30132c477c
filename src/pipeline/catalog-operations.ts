/**
 * The operations on catalog sections that nodes name to each other.
 *
 * @module
 */
import { operationOf, readSection } from '../cluster/catalog-section.ts';
import type { AnyActorOperation } from '../model/actor.ts';
import { addDevice, removeDevice } from './audit-devices.ts';
import { putSetting } from './lifecycle.ts';
import { changeSettings } from './mount-settings.ts';
import { addMount, mountSwept, removeMount, tuneMount } from './mount-table.ts';
import { putPolicy, removePolicy } from './policy-store.ts';
import { removeSetting } from './settings-store.ts';

export const catalogOperations: readonly AnyActorOperation[] = [
  readSection,
  operationOf(addMount),
  operationOf(tuneMount),
  operationOf(removeMount),
  operationOf(mountSwept),
  operationOf(changeSettings),
  operationOf(putPolicy),
  operationOf(removePolicy),
  operationOf(addDevice),
  operationOf(removeDevice),
  operationOf(putSetting),
  operationOf(removeSetting),
];
