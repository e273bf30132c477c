/**
 * A process that shares a store with the one that started it. Argument: the folder. It says `open`, and then does what each line of stdin asks:
 *
 *     put PATH VALUE          → `version N`
 *     get PATH, bytes PATH    → the value, or its length
 *     increment PATH TIMES    → `done`; one after the other, by compare-and-set
 *     write NAME WRITERS BYTES  writes until it is killed; each acknowledgement is a line `<name>.<writer> <number>`
 *     hold                    → `held`, and stays inside a write transaction
 *
 * @module
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { open } from 'lmdb';
import { Conflict } from '../../src/model/storage.ts';
import { openLmdb } from '../../src/storage/lmdb.ts';

const [folder = ''] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);

const storage = await openLmdb({ type: 'file', folder, shared: true });
say('open');

let storing = false;

async function write(writer: string, bytes: number): Promise<void> {
  storing = true;
  for (let number = 1; ; number++) {
    await storage.commit(
      [
        { path: `w/${writer}/head`, value: Buffer.from(`${number}`) },
        { path: `w/${writer}/v/${number}`, value: Buffer.alloc(bytes, writer) },
      ],
      [],
    );
    say(`${writer} ${number}`);
  }
}

async function increment(path: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const stored = await storage.get(path);
    const next = Number(stored ? Buffer.from(stored.value).toString() : '0') + 1;
    try {
      await storage.commit(
        [{ path, value: Buffer.from(`${next}`) }],
        [{ path, version: stored?.version ?? 0 }],
      );
      done++;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

/** Past our own interface: nothing of ours stays inside a transaction. */
function hold(): void {
  const db = open({ path: join(folder, 'coffer.mdb'), overlappingSync: false });
  void db.transaction(() => {
    say('held');
    return new Promise<void>(() => {});
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, path = '', ...rest] = line.split(' ');
  if (command === 'put')
    say(`version ${await storage.commit([{ path, value: Buffer.from(rest[0] ?? '') }], [])}`);
  if (command === 'get') say(Buffer.from((await storage.get(path))?.value ?? '').toString());
  if (command === 'bytes') say(String((await storage.get(path))?.value.length));
  if (command === 'increment') await increment(path, Number(rest[0])).then(() => say('done'));
  if (command === 'write') {
    for (let at = 0; at < Number(rest[0]); at++) void write(`${path}.${at}`, Number(rest[1]));
  }
  if (command === 'hold') hold();
}
if (!storing) await storage.close();
