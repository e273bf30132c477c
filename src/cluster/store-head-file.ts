/**
 * What a node remembers of the store's head, in its own folder, outside the store.
 *
 * @module
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { areMarks, type HeadMemory, type Marks } from './store-head.ts';

const FILE = 'store-head.json';

/**
 * @param storageId - of the store that it is about: what was remembered of another one does not count.
 * @param fault - told where it cannot be read or written: then it is remembered as long as the process runs.
 */
export function headMemoryIn(
  folder: string,
  storageId: () => string,
  fault: (what: string, error: unknown) => void,
): HeadMemory {
  const file = join(folder, FILE);
  return {
    read() {
      try {
        const found = JSON.parse(readFileSync(file, 'utf8')) as { storage_id?: unknown; marks?: unknown };
        return found.storage_id === storageId() ? marksOf(found.marks) : [];
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') fault(`reading ${file}`, error);
        return [];
      }
    },
    write(marks) {
      try {
        const draft = `${file}.${process.pid}.new`;
        writeFileSync(draft, `${JSON.stringify({ storage_id: storageId(), marks })}\n`, { mode: 0o600 });
        renameSync(draft, file);
      } catch (error) {
        fault(`writing ${file}`, error);
      }
    },
  };
}

/** @throws Error where it is none. */
function marksOf(value: unknown): Marks {
  if (!areMarks(value)) throw new Error('these are no marks');
  return value;
}
