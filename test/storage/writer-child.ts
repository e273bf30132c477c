/**
 * A process that writes until it is killed and tells each acknowledgement on stdout, one line `<writer> <number>`.
 * Arguments: folder, writers, bytes of a value, mode. Mode `on`: each writer goes on after a failure and tells `! <message>`.
 * Mode `watch`: tells once, after half a second, whether anything is `seen`. A fifth argument, `shared`: the store is opened as one that others may use.
 *
 * @module
 */
import { writeSync } from 'node:fs';
import { StorageFailed } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';

const [folder = '', writers = '1', bytes = '400', mode = '', sharing = ''] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);

const storage = await openLmdb({ type: 'file', folder, shared: sharing === 'shared' });
say('open');

async function write(writer: number): Promise<void> {
  for (let number = 1; ; number++) {
    const value = Buffer.alloc(Number(bytes), `${writer}.${number} `);
    try {
      // The head and its payload, as an actor writes them: they must never be seen apart.
      await storage.commit(
        [
          { path: `w/${writer}/head`, value: Buffer.from(`${number}`) },
          { path: `w/${writer}/v/${number}`, value },
        ],
        [],
      );
      say(`${writer} ${number}`);
    } catch (error) {
      if (mode !== 'on' || !(error instanceof StorageFailed)) throw error;
      const readable = (await storage.get('w/0/head')) !== undefined;
      say(
        `! ${error.outcomeKnown ? 'known' : 'unknown'} ${readable ? 'readable' : 'unreadable'} ${error.message}`,
      );
      number--;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function watch(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 500));
  const heads = await storage.list('w/', '', 10);
  say(`seen ${heads.length === 0 ? 'nothing' : heads.join(' ')}`);
}

if (mode === 'watch') void watch();
await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
