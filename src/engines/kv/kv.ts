/**
 * The KV engine: both versions, and the actors behind them and behind the cubbyhole, which stores values as v1 does.
 *
 * @module
 */
import type { ActorKind } from '../../model/actor.ts';
import { cubbyholeValue } from '../cubbyhole/cubbyhole.ts';
import { kvConfig } from './config.ts';
import { kvSecret } from './kinds.ts';

export { searchKv } from './search.ts';
export { kv1 } from './v1.ts';
export { kv2 } from './v2.ts';

// biome-ignore lint/suspicious/noExplicitAny: a list of kinds of many states
export const kvKinds: readonly ActorKind<any>[] = [kvSecret, kvConfig, cubbyholeValue];
