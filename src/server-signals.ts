/**
 * What a running server does on signals, and on faults of ours that nobody handled.
 *
 * @module
 */
import { onParentGone } from './machine/child-side.ts';
import type { Coffer } from './main.ts';
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
  signals.onInsist(() => endNow(coffer, log));
  const signal = await signals.end;
  stdout.write('==> Vault shutdown triggered\n');
  log.info('shutdown triggered', { signal });
  await reloading;
  try {
    await coffer.stop();
    return 0;
  } catch (error) {
    log.error('shutdown failed', { error });
    // What would not end keeps the process alive otherwise.
    setTimeout(endNow, 0, coffer, log);
    return 1;
  } finally {
    log.flush();
  }
}

/** Whatever is still on its way is left there. What was acknowledged is on disk. */
function endNow(coffer: Coffer, log: ServerLog): void {
  log.flush();
  // Node waits for its threads when it exits, and one of them may be in a sync that never returns.
  if (coffer.isWriting()) process.kill(process.pid, 'SIGKILL');
  process.exit(1);
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
