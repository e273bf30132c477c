/**
 * The LMDB library with a fault that strikes once, as after a meta page that could not be written: the transaction fails, and from then on the file
 * answers nothing, reads neither, until it is closed and opened again. `reopening.test.ts` puts it in the place of the library.
 *
 * @module
 */
import * as lmdb from 'lmdb';

export const fault = {
  /** The next transaction fails. */
  isDue: false,
  /** Awaited before it does. */
  before: async (): Promise<void> => {},
  /** Awaited while a file is closed. */
  closing: async (): Promise<void> => {},
  opened: 0,
  closed: 0,
};

export const open = ((options: Parameters<typeof lmdb.open>[0]) => {
  fault.opened++;
  const db = lmdb.open(options);
  let isStopped = false;
  const own: Record<string, unknown> = {
    async batch(change: () => void) {
      if (!fault.isDue) return db.batch(change);
      fault.isDue = false;
      isStopped = true;
      await fault.before();
      throw new Error('EIO: a meta page was not written');
    },
    async close() {
      fault.closed++;
      await fault.closing();
      await db.close();
    },
  };
  return new Proxy(db, {
    get(target, name) {
      if (isStopped && /^(getBinary|getBinaryFast|resetReadTxn|getKeys)$/.test(String(name)))
        return () => {
          throw new Error('MDB_PANIC: the file answers nothing');
        };
      const value = own[String(name)] ?? Reflect.get(target, name, target);
      return typeof value === 'function' && !(String(name) in own) ? value.bind(target) : value;
    },
  });
}) as typeof lmdb.open;
