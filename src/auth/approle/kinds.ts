/** @module The kinds of actors that an AppRole mount has. */

import { appRole } from './role.ts';
import { claimedRoleId } from './role-ids.ts';
import { secretId } from './secret-ids.ts';
import { roleSweep } from './sweep.ts';

export const appRoleKinds = [appRole, claimedRoleId, secretId, roleSweep];
