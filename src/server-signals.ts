/**
 * What a running server does on signals, and on faults of ours that nobody handled.
 *
 * @module
 */
import { onParentGone } from './machine/child-side.ts';
import type { Coffer } from './main.ts';
import { STOP_LINGER_MS, STOP_STEP_MS } from './model/limits.ts';
import type { ServerLog } from './observe/log.ts';
import type { NodeSettings } from './server-settings.ts';

export interface Signals {
  /** Resolves with the name of the first signal to end. */
  readonly end: Promise<string>;
  /** Called at each SIGHUP from then on. */
  onReload(reload: () => void): void;
  /** Called at the second signal to end; until then that exits with 1. */
  onInsist(end: () => void): void;
}

/** From the first moment on: a signal that comes while the server starts must not leave half of it behind. */
export function listenToSignals(): Signals {
  let reload = (): void => {};
  let insist = (): void => process.exit(1);
  let ending = false;
  const end = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (ending) insist();
        ending = true;
        resolve(signal);
      });
    }
    onParentGone(() => {
      ending = true;
      resolve('end of the process that started it');
    });
  });
  process.on('SIGHUP', () => reload());
  return {
    end,
    onReload(wanted) {
      reload = wanted;
    },
    onInsist(wanted) {
      insist = wanted;
    },
  };
}

/** SIGHUP reloads; SIGTERM and SIGINT end: what is running is finished. A second one ends at once. */
export async function untilEnded(
  coffer: Coffer,
  read: () => NodeSettings,
  log: ServerLog,
  signals: Signals,
  { stdout }: { readonly stdout: NodeJS.WritableStream },
): Promise<number> {
  let reloading = Promise.resolve();
  signals.onReload(() => {
    stdout.write('==> Vault reload triggered\n');
    reloading = reloading.then(() => reload(coffer, read, log));
  });
  signals.onInsist(() => endNow(log, 1, coffer.isWriting()));
  const signal = await signals.end;
  stdout.write('==> Vault shutdown triggered\n');
  log.info('shutdown triggered', { signal });
  await noLongerThan(reloading, STOP_STEP_MS);
  try {
    await coffer.stop();
    endSoon(coffer, log);
    return 0;
  } catch (error) {
    log.error('shutdown failed', { error });
    // What would not end keeps the process alive otherwise.
    setTimeout(() => endNow(log, 1, coffer.isWriting()), 0);
    return 1;
  } finally {
    log.flush();
  }
}

/**
 * Whatever is still on its way is left there. What was acknowledged is on disk.
 * @param isStuck - Node waits for its threads when it exits, and one of them is where it may never return from.
 */
function endNow(log: ServerLog, code: number, isStuck: boolean): void {
  log.flush();
  if (isStuck) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}

/** All that had to be done is done. What lives on, such as the connection of an audit device that hangs, keeps the process no longer. */
function endSoon(coffer: Coffer, log: ServerLog): void {
  const late = setTimeout(() => {
    // Before anything is logged, which may be a write to a file of its own.
    const resources = process.getActiveResourcesInfo();
    log.warn('something did not end; the process ends without it', { resources: resources.join(' ') });
    // A thread at a file, on a disk that is gone, holds Node as one in a sync does.
    endNow(log, 0, coffer.isWriting() || resources.some((name) => name.startsWith('FSReq')));
  }, STOP_LINGER_MS);
  late.unref();
}

/** Resolves when that has ended, or has not in time. */
function noLongerThan(done: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, ms);
    void done.finally(() => {
      clearTimeout(late);
      resolve();
    });
  });
}

/** Whatever part of it fails is logged and stays as it was; the others are taken on. */
async function reload(coffer: Coffer, read: () => NodeSettings, log: ServerLog): Promise<void> {
  let settings: NodeSettings | undefined;
  try {
    settings = read();
    log.setLevel(settings.log.level);
  } catch (error) {
    log.error('the configuration could not be read again; the one in use stays', { error });
  }
  try {
    log.reopen();
  } catch (error) {
    log.error('the log file could not be opened again; the one in use stays', { error });
  }
  try {
    await coffer.reload(settings);
    log.info('reloaded');
  } catch (error) {
    log.error('reload failed', { error });
  }
}

/**
 * A promise that nobody handled is a bug of ours, but no reason to fall over: a server that ends has to be unsealed by people. An error that was
 * thrown past everybody may have left something half done, so the process ends; what was acknowledged is on disk.
 */
export function logFaults(log: ServerLog): void {
  process.on('unhandledRejection', (error) => log.error('a failure that nobody handled', { error }));
  process.on('uncaughtException', (error) => {
    log.error('an error that nobody caught; the server ends', { error });
    log.flush();
    process.exit(1);
  });
}
