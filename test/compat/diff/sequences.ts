/** @module All request sequences, in the order in which they are sent. Sealing comes last: nothing else is answered after it. */

import type { Sequence } from './ask.ts';
import { approle } from './sequences/approle.ts';
import { cubbyhole } from './sequences/cubbyhole.ts';
import { kvV1 } from './sequences/kv-v1.ts';
import { kvV2 } from './sequences/kv-v2.ts';
import { leases } from './sequences/leases.ts';
import { mounts } from './sequences/mounts.ts';
import { namespaces } from './sequences/namespaces.ts';
import { policies } from './sequences/policies.ts';
import { system } from './sequences/system.ts';
import { tokens } from './sequences/tokens.ts';
import { wrapping } from './sequences/wrapping.ts';

export const SEQUENCES: readonly Sequence[] = [
  ...kvV1,
  ...kvV2,
  ...cubbyhole,
  ...tokens,
  ...leases,
  ...approle,
  ...wrapping,
  ...policies,
  ...mounts,
  ...namespaces,
  ...system,
];
