/**
 * The operations on catalog sections that nodes name to each other.
 *
 * @module
 */
import { operationOf, readSection } from '../cluster/catalog-section.ts';
import type { AnyActorOperation } from '../model/actor.ts';
import { rotateAuditKeys } from './audit-chains.ts';
import { addDevice, removeDevice } from './audit-devices.ts';
import { putSetting } from './lifecycle.ts';
import { noteRemoval } from './mount-entries.ts';
import { changeSettings } from './mount-settings.ts';
import { addMount, mountSwept, moveMount, removeMount, tuneMount } from './mount-table.ts';
import { addNamespace, namespaceSwept, removeNamespace, tuneNamespace } from './namespaces.ts';
import { forgetPolicies, putPolicy, removePolicy } from './policy-store.ts';
import { forgetQuotas } from './quota-scopes.ts';
import { forgetSettings, removeSetting } from './settings-store.ts';
import { noteVersion } from './version-note.ts';

export const catalogOperations: readonly AnyActorOperation[] = [
  readSection,
  operationOf(addMount),
  operationOf(tuneMount),
  operationOf(removeMount),
  operationOf(moveMount),
  operationOf(mountSwept),
  operationOf(noteRemoval),
  operationOf(forgetQuotas),
  operationOf(changeSettings),
  operationOf(putPolicy),
  operationOf(removePolicy),
  operationOf(forgetPolicies),
  operationOf(addNamespace),
  operationOf(tuneNamespace),
  operationOf(removeNamespace),
  operationOf(namespaceSwept),
  operationOf(addDevice),
  operationOf(removeDevice),
  operationOf(rotateAuditKeys),
  operationOf(putSetting),
  operationOf(removeSetting),
  operationOf(forgetSettings),
  operationOf(noteVersion),
];
