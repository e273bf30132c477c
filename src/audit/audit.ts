/**
 * The audit devices together: each entry goes to all of them, and one that took it is enough. When all fail the request is
 * refused, so nothing happens that is written nowhere (contract §17).
 *
 * @module
 */
import type { AuditEntry, AuditResponse, AuditTrail } from '../model/audit.ts';
import { badRequest, CodedError, multiError } from '../model/errors.ts';
import { AUDIT_INLINE_CHARS_MAX, AUDIT_REPLIES_CHARS_MAX } from '../model/limits.ts';
import type { Log } from '../model/log.ts';
import { rfc3339 } from '../model/time.ts';
import { weightOf } from './data-writer.ts';
import type { AuditDevice } from './device.ts';
import type { Formatter, Line } from './formatter.ts';

export interface AuditOptions {
  /** Wall clock, ms. */
  now(): number;
  readonly log: Log;
  /** Told of each entry and of each device's part in it (`device` is its path), for metrics. Milliseconds. */
  observe?(
    what: 'log_request' | 'log_response',
    device: string | undefined,
    tookMs: number,
    failed: boolean,
  ): void;
}

export interface Audit extends AuditTrail {
  /** By path, such as `file/`. */
  readonly devices: ReadonlyMap<string, AuditDevice>;
  /** From now on entries go to it too. Does not open it: do that before, where a wrong path shall be refused. */
  add(path: string, device: AuditDevice): void;
  /** Takes it out and closes it. Nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** `hmac-sha256:…` of `input` as that device writes it. @throws CodedError `bad_request` where there is no such device. */
  hash(path: string, input: string): string;
  /** Opens the device and writes a line to it. @throws CodedError `bad_request` when either fails. */
  probe(device: AuditDevice, requestId: string): Promise<void>;
  /** SIGHUP: closes and opens all files. Failures are logged; such a device fails until it can be opened again. */
  reopen(): Promise<void>;
  /** Writes what waits and closes all. */
  stop(): Promise<void>;
}

type What = 'log_request' | 'log_response';
/** What went past a device since it began to fail. */
interface Failing {
  missed: number;
  /** Why, of the first. */
  readonly error: unknown;
}
interface Part {
  readonly path: string;
  readonly device: AuditDevice;
}
type Make = (formatter: Formatter, atMs: number) => Line;

const DONE = Promise.resolve();
/** One for all: a device that hangs is refused a line with each request. */
const FULL = Promise.reject(new CodedError('overloaded', 'too much waits for the audit device'));
FULL.catch(() => {});

export function makeAudit({ now, log, observe }: AuditOptions): Audit {
  const devices = new Map<string, AuditDevice>();
  /** Devices that failed last time: only a change is logged. */
  const failing = new Map<string, Failing>();
  /** The same as they stand in `devices`, and whether any of them does not take every entry: both are asked for each entry. */
  let parts: readonly Part[] = [];
  let isSelective = false;
  /** The end of the last large line that was begun: one at a time, since each may take hundreds of megabytes. */
  let lastLarge: Promise<unknown> = DONE;
  /** Weight of the replies that are being recorded. */
  let heavyChars = 0;

  function writeTo(device: AuditDevice, make: Make): Promise<void> {
    // Before the line is made: one that is not read would cost as much as one that is.
    if (device.isFull()) return FULL;
    const line = make(device.formatter, now());
    if (typeof line === 'string') return device.write(line);
    const turn = lastLarge.then(async () => device.write(await line()));
    lastLarge = turn.catch(() => {});
    return turn;
  }

  function fails(path: string, error: unknown): void {
    const known = failing.get(path);
    if (known) {
      known.missed++;
      return;
    }
    failing.set(path, { missed: 1, error });
    log.error('an audit device fails; requests are refused while none works', { device: path, error });
  }

  function works(path: string, device: AuditDevice): void {
    const known = failing.get(path);
    if (!known) return;
    failing.delete(path);
    log.info('the audit device works again', { device: path, missed: known.missed });
    // Who reads it shall know too. That it is not written is no more than one entry more that is missed.
    device.write(missedLine(now(), known.missed)).catch(() => {});
  }

  /** Begins to write; that this fails may show at once or later, which is the same to who waits for it. */
  function begin({ device }: Part, make: Make): Promise<void> {
    try {
      return writeTo(device, make);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  function took({ path, device }: Part, what: What, tookMs: number): void {
    if (failing.size > 0) works(path, device);
    observe?.(what, path, tookMs, false);
  }

  function missed({ path, device }: Part, what: What, tookMs: number, error: unknown): void {
    // One that was just taken out has no part in this any more.
    if (devices.get(path) === device) fails(path, error);
    observe?.(what, path, tookMs, true);
  }

  /** A device with a filter takes what that lets through; a fallback device what none of those takes. */
  function takersOf(entry: AuditEntry): readonly Part[] {
    if (!isSelective) return parts;
    const isLeftOver = !parts.some(({ device }) => device.filter?.(entry));
    return parts.filter(({ device }) => (device.isFallback ? isLeftOver : (device.filter?.(entry) ?? true)));
  }

  /** Not an async function: this runs twice for each request of the server, and each promise counts. */
  function record(what: What, entry: AuditEntry, make: Make): Promise<void> {
    const takers = takersOf(entry);
    // As in Vault: what an operator's filters leave over, and no fallback device takes, is written nowhere.
    if (takers.length === 0) return DONE;
    const beganMs = performance.now();
    const refuse = (cause: unknown): never => {
      observe?.(what, undefined, performance.now() - beganMs, true);
      throw new CodedError('internal', multiError(['internal error']), { cause });
    };
    if (takers.length === 1) {
      const only = takers[0]!;
      return begin(only, make).then(
        () => {
          const tookMs = performance.now() - beganMs;
          took(only, what, tookMs);
          observe?.(what, undefined, tookMs, false);
        },
        (error: unknown) => {
          missed(only, what, performance.now() - beganMs, error);
          refuse(error);
        },
      );
    }
    // The first that took it; a slow one holds nobody up, and how much may wait for it is bounded.
    const first = Promise.any(
      takers.map((part) => {
        const partBeganMs = performance.now();
        return begin(part, make).then(
          () => took(part, what, performance.now() - partBeganMs),
          (error: unknown) => {
            missed(part, what, performance.now() - partBeganMs, error);
            throw error;
          },
        );
      }),
    );
    return first.then(() => observe?.(what, undefined, performance.now() - beganMs, false), refuse);
  }

  function recordReply(
    entry: AuditEntry,
    response: AuditResponse | undefined,
    error?: string,
  ): Promise<void> {
    return record('log_response', entry, (formatter, atMs) =>
      formatter.response(entry, response, atMs, error),
    );
  }

  /** Large replies wait for their turn with all their data. Readers who ask for many at once must not fill the memory with them. */
  function heavyReply(
    entry: AuditEntry,
    response: AuditResponse,
    weight: number,
    error?: string,
  ): Promise<void> {
    if (heavyChars + weight > AUDIT_REPLIES_CHARS_MAX) {
      const refusal = new CodedError('overloaded');
      // Not waited for: what is refused has to be let go of now, and the client learns nothing.
      recordReply(entry, undefined, refusal.message).catch(() => {});
      return Promise.reject(refusal);
    }
    heavyChars += weight;
    return recordReply(entry, response, error).finally(() => {
      heavyChars -= weight;
    });
  }

  function select(): void {
    parts = Array.from(devices, ([path, device]) => ({ path, device }));
    isSelective = parts.some(({ device }) => device.filter !== undefined || device.isFallback);
  }

  return {
    devices,
    isOn: () => devices.size > 0,
    add(path, device) {
      devices.set(path, device);
      failing.delete(path);
      select();
    },
    async remove(path) {
      const device = devices.get(path);
      devices.delete(path);
      failing.delete(path);
      select();
      await device
        ?.close()
        .catch((error: unknown) => log.warn('closing an audit device failed', { device: path, error }));
    },
    hash(path, input) {
      const device = devices.get(path);
      if (!device) throw badRequest(`unknown audit backend "${path}"`);
      return device.hash(input);
    },
    async probe(device, requestId) {
      await device.open();
      try {
        await writeTo(device, (formatter, atMs) => formatter.request(probeEntry(requestId), atMs));
      } catch (cause) {
        throw badRequest(`audit backend failed test message: ${(cause as Error).message}`, { cause });
      }
    },
    request(entry, error) {
      if (devices.size === 0) return DONE;
      return record('log_request', entry, (formatter, atMs) => formatter.request(entry, atMs, error));
    },
    response(entry, response: AuditResponse | undefined, error) {
      if (devices.size === 0) return DONE;
      const weight = response?.data === undefined ? 0 : weightOf(response.data);
      if (response && weight > AUDIT_INLINE_CHARS_MAX) return heavyReply(entry, response, weight, error);
      return recordReply(entry, response, error);
    },
    async reopen() {
      // At once: one that hangs must not keep the others.
      const reopened = [...devices].map(([path, device]) =>
        device.reopen().catch((error: unknown) => fails(path, error)),
      );
      await Promise.all(reopened);
    },
    async stop() {
      const closed = [...devices].map(([path, device]) =>
        device
          .close()
          .catch((error: unknown) => log.warn('closing an audit device failed', { device: path, error })),
      );
      await Promise.all(closed);
    },
  };
}

/** In place of what a device missed while it failed. */
function missedLine(atMs: number, missed: number): string {
  return JSON.stringify({ time: rfc3339(atMs), type: 'missed', missed });
}

/** What Vault writes to try a new device. */
function probeEntry(id: string): AuditEntry {
  return {
    auth: { tokenType: 'default' },
    request: { id, operation: 'update', namespaceId: 'root', path: 'sys/audit/test' },
  };
}
