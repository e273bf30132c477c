/**
 * Which checks are made of the models, within which bounds, and what each must find.
 *
 * @module
 */

export interface ModelRun {
  readonly name: string;
  readonly model: 'coffer' | 'authority';
  readonly expected: 'no violation' | 'counterexample';
  /** For `spin -a`: bounds, and the rule that is left out. */
  readonly defines: readonly string[];
  /** For the compiler: how states are kept. */
  readonly store: readonly string[];
  /** log2 of the size of the hash table; of the bit field where states are kept as bits. */
  readonly hashBits: number;
  readonly secondsMax: number;
}

/** HC4: 64 bits of hash per state. */
const HASHED = ['-DHC4'];

function pass(name: string, defines: string[], secondsMax = 170): ModelRun {
  return {
    name,
    model: 'coffer',
    expected: 'no violation',
    defines,
    store: HASHED,
    hashBits: 26,
    secondsMax,
  };
}

function fault(name: string, defines: string[]): ModelRun {
  return { ...pass(name, defines), expected: 'counterexample' };
}

/** The protocol as it is. */
export const PASSES: readonly ModelRun[] = [
  pass('two-nodes-1-write', ['-DMAXV=1']),
  pass('two-nodes-2-writes-1-view', ['-DMAXE=2', '-DMAXF=2']),
  pass('two-nodes-2-writes-2-views', ['-DMAXF=2'], 260),
  pass('two-nodes-2-writes-3-claims', []),
  pass('two-nodes-slow-beats', ['-DSLOW_BEATS', '-DMAXV=1', '-DMAXE=2', '-DMAXF=2']),
  pass('two-nodes-drifting-clocks', ['-DDRIFT', '-DMAXV=1', '-DMAXE=2', '-DMAXF=2']),
  { ...pass('three-nodes-sampled', ['-DN=3']), store: ['-DBITSTATE'], hashBits: 34 },
  { ...pass('authority', [], 60), model: 'authority', store: [], hashBits: 20 },
];

/** Rules whose absence needs no other flag beside it. */
const RULES = [
  'NO_FENCE',
  'NO_VERSION',
  'NO_AWAIT_INVALIDATION',
  'NO_ASKED_TIME',
  'NO_OWNER_DEADLINE',
  'NO_OWNER_CAP',
  'NO_EVICT_WAIT',
  'NO_DRAIN',
  'NO_DRAIN_GRANTS',
  'NO_RELOAD_WAIT',
  'NO_POISON',
  'NO_ACK_MATCH',
];
const AUTHORITY_RULES = ['NO_PIN', 'NO_BY', 'NO_STAMP', 'NO_CLAIMS', 'CATALOG_EARLY'];

/** The protocol with one rule left out. */
export const FAULTS: readonly ModelRun[] = [
  fault('NO_FENCE+NO_VERSION', ['-DNO_FENCE', '-DNO_VERSION']),
  ...RULES.map((rule) => fault(rule, [`-D${rule}`])),
  fault('NO_SENT_TIME', ['-DSLOW_BEATS', '-DNO_SENT_TIME']),
  fault('NO_STRETCH', ['-DDRIFT', '-DNO_STRETCH']),
  ...AUTHORITY_RULES.map(
    (rule): ModelRun => ({
      ...fault(`authority-${rule}`, [`-D${rule}`]),
      model: 'authority',
      store: [],
      hashBits: 20,
      secondsMax: 60,
    }),
  ),
];
