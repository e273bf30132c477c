/**
 * Takes out of an output what differs from run to run.
 *
 * @module
 */

export interface RunFacts {
  address: string;
  dir: string;
  /** What earlier cases saved. */
  saved: ReadonlyMap<string, string>;
}

const PATTERNS: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000 UTC/g, '<time>'],
  [/\b\d\d [A-Z][a-z]{2} \d\d \d\d:\d\d UTC\b/g, '<time>'],
  [/\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/g, '<uuid>'],
  [/\b(?:hvs|hvb|s|b)\.[\w-]{20,}(?:\.[A-Za-z\d]{6}\b)?/g, '<token>'],
  [/\b[A-Za-z\d]{24}\.[A-Za-z\d]{6}\b/g, '<accessor>'],
  [/\b[A-Za-z\d]{24}\b(?!\.)/g, '<accessor>'],
  [/\b([a-z]+(?:_[a-z]+)*)_[\da-f]{8}\b/g, '$1_<id>'],
  [/\bvault-cluster-[\da-f]{8}\b/g, '<cluster>'],
  // Remaining time of a token or lease: at its end a second may have passed.
  [/^(ttl|token_duration|lease_duration|wrapping_token_ttl:)( +)\d[\dhms]*$/gm, '$1$2<ttl>'],
  [/^(creation_time|last_renewal_time)( +)\d{10}$/gm, '$1$2<epoch>'],
  [/("(?:creation_time|last_renewal_time)": )\d{10}\b/g, '$1<epoch>'],
  // Of a namespace.
  [/^(id +)[A-Za-z\d]{6}$/gm, '$1<id>'],
  [/("id": ")[A-Za-z\d]{6}"/g, '$1<id>"'],
  [/^(Encryption Count +)\d+$/gm, '$1<count>'],
  [/("encryptions": )\d+/g, '$1<count>'],
];

export function normalize(text: string, facts: RunFacts): string {
  let out = text;
  for (const [name, value] of facts.saved) if (value !== '') out = out.replaceAll(value, `<${name}>`);
  out = out.replaceAll(facts.dir, '<dir>').replaceAll(facts.address, '<address>');
  out = out.replaceAll(facts.address.replace('http://', ''), '<host>');
  for (const [pattern, replacement] of PATTERNS) out = out.replace(pattern, replacement);
  return out.startsWith('curl ') ? sortHeaders(out) : out;
}

/** Go goes through a map's keys in another order each time. */
function sortHeaders(curl: string): string {
  const headers = curl.match(/-H "[^"]*" /g) ?? [];
  return curl.replace(/(?:-H "[^"]*" )+/, [...headers].sort().join(''));
}

/** Puts `{address}`, `{dir}` and saved values into a command or a variable. */
export function fillIn(text: string, facts: RunFacts): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    if (name === 'address') return facts.address;
    if (name === 'hostport') return facts.address.replace('http://', '');
    if (name === 'dir') return facts.dir;
    return facts.saved.get(name) ?? whole;
  });
}

/** OpenBao's words as Vault's. */
export function asVault(text: string): string {
  return text
    .replaceAll('OpenBao', 'Vault')
    .replace(/\bBAO_/g, 'VAULT_')
    .replace(/\bbao\b/g, 'vault')
    .replaceAll('+builtin.bao', '+builtin.vault');
}
