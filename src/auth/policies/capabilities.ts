/**
 * Capabilities as bits: a set of them is a number, so that a check is one `&`.
 *
 * @module
 */

export type Capability =
  | 'create'
  | 'delete'
  | 'deny'
  | 'list'
  | 'patch'
  | 'read'
  | 'scan'
  | 'subscribe'
  | 'sudo'
  | 'update';

/** A set of capabilities: their bits together. */
export type CapabilitySet = number;

export const BIT = {
  create: 1,
  read: 2,
  update: 4,
  delete: 8,
  list: 16,
  sudo: 32,
  deny: 64,
  patch: 128,
  scan: 256,
  subscribe: 512,
} as const satisfies Record<Capability, number>;

/** In the order in which they are shown. */
const NAMES = (Object.keys(BIT) as Capability[]).sort();
const SHOWN = NAMES.filter((name) => name !== 'deny');

export function isCapability(text: string): text is Capability {
  return Object.hasOwn(BIT, text);
}

/** Sorted by name. Nothing granted, or `deny` among them, is shown as `deny` alone. */
export function capabilityNames(set: CapabilitySet): Capability[] {
  const names = SHOWN.filter((name) => (set & BIT[name]) !== 0);
  return names.length === 0 || (set & BIT.deny) !== 0 ? ['deny'] : names;
}

/** The capabilities themselves, `deny` among them where it is in the set. */
export function capabilitiesIn(set: CapabilitySet): Capability[] {
  return NAMES.filter((name) => (set & BIT[name]) !== 0);
}
