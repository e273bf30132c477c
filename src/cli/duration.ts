/**
 * Durations as Go writes and reads them: `1h30m`, `768h0m0s`, and bare numbers that are seconds. Held as whole nanoseconds.
 *
 * @module
 */

const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const SECOND_NS = UNIT_NS.s as bigint;
const DAY_NS = 24n * (UNIT_NS.h as bigint);
const NS_MAX = 2n ** 63n - 1n;

/**
 * Reads what Vault takes for a duration: whole seconds (`90`), days (`2d`), or Go's form (`-1h1.5m`). Empty is zero.
 * @throws Error with Go's words, for the text after `invalid value … for flag -ttl: `.
 */
export function parseDuration(text: string): bigint {
  if (text === '') return 0n;
  if (/^[+-]?\d+$/.test(text)) return within(BigInt(text.replace(/^\+/, '')) * SECOND_NS, text);
  const days = /^([+-]?\d+)d$/.exec(text);
  if (days) return within(BigInt((days[1] as string).replace(/^\+/, '')) * DAY_NS, text);
  return parseGoDuration(text);
}

function parseGoDuration(text: string): bigint {
  const invalid = () => new Error(`time: invalid duration ${JSON.stringify(text)}`);
  const sign = text.startsWith('-') ? -1n : 1n;
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0n;
  if (rest === '') throw invalid();
  let total = 0n;
  while (rest !== '') {
    const part = /^(\d*)(?:\.(\d*))?/.exec(rest) as RegExpExecArray;
    const whole = part[1] ?? '';
    const fraction = part[2] ?? '';
    if (whole === '' && fraction === '') throw invalid();
    rest = rest.slice(part[0].length);
    const unit = /^[^\d.]*/.exec(rest)?.[0] ?? '';
    if (unit === '') throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`);
    const unitNs = Object.hasOwn(UNIT_NS, unit) ? UNIT_NS[unit] : undefined;
    if (unitNs === undefined) {
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    }
    rest = rest.slice(unit.length);
    total += BigInt(whole || '0') * unitNs;
    if (fraction !== '') total += (BigInt(fraction) * unitNs) / 10n ** BigInt(fraction.length);
  }
  return within(sign * total, text);
}

function within(ns: bigint, text: string): bigint {
  if (ns > NS_MAX || ns < -NS_MAX) throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  return ns;
}

/** Go's `time.Duration.String()`: `0s`, `1.5s`, `2m0s`, `768h0m0s`, `250ms`. */
export function formatDuration(ns: bigint): string {
  if (ns === 0n) return '0s';
  if (ns < 0n) return `-${formatDuration(-ns)}`;
  if (ns < SECOND_NS) {
    const [name, unit] = ns < 1_000n ? ['ns', 1n] : ns < 1_000_000n ? ['µs', 1_000n] : ['ms', 1_000_000n];
    return `${decimal(ns, unit as bigint)}${name}`;
  }
  const hours = ns / (UNIT_NS.h as bigint);
  const minutes = (ns / (UNIT_NS.m as bigint)) % 60n;
  const seconds = decimal(ns % (UNIT_NS.m as bigint), SECOND_NS);
  if (hours > 0n) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0n ? `${minutes}m${seconds}s` : `${seconds}s`;
}

function decimal(value: bigint, unit: bigint): string {
  const remainder = value % unit;
  if (remainder === 0n) return `${value / unit}`;
  const digits = remainder
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return `${value / unit}.${digits}`;
}

/** Vault's shorter form in tables: `768h`, `1h30m`, `45s`. */
export function humanDuration(seconds: bigint): string {
  if (seconds === 0n) return '0s';
  let text = formatDuration(seconds * SECOND_NS);
  if (text.endsWith('m0s')) text = text.slice(0, -2);
  const zeroMinutes = text.indexOf('h0m');
  return zeroMinutes > 0 ? text.slice(0, zeroMinutes + 1) + text.slice(zeroMinutes + 3) : text;
}

/** The whole seconds of `ns`; less than one is 0, as Vault asks for no increment then. */
export function wholeSeconds(ns: bigint): number {
  return ns < SECOND_NS ? 0 : Number(ns / SECOND_NS);
}

/** How `tune` sends a TTL: nothing for 0, `system` for a negative one, else Go's form. */
export function ttlToWire(ns: bigint): string {
  if (ns === 0n) return '';
  return ns < 0n ? 'system' : formatDuration(ns);
}
