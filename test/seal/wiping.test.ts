import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing, notOnThisPlatform } from '../support/missing.ts';

const CHILD = fileURLToPath(new URL('./sealing-child.ts', import.meta.url));

/** All writable memory of a process that it ever touched. */
function memoryOf(pid: number): Buffer[] {
  const mem = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const regions = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
    return regions.flatMap((region) => {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(region) ?? [];
      if (from === undefined || to === undefined || /^Rss: +0 kB/m.test(region)) return [];
      const at = Number.parseInt(from, 16);
      const bytes = Buffer.alloc(Number.parseInt(to, 16) - at);
      try {
        return [bytes.subarray(0, readSync(mem, bytes, 0, bytes.length, at))];
      } catch {
        return [];
      }
    });
  } finally {
    closeSync(mem);
  }
}

/** Which of the child's keys, raw, in base64 or in hex, are in its memory. */
async function keysLeft(mode: 'sealed' | 'open'): Promise<string[]> {
  const keys = Array.from({ length: 16 }, () => randomBytes(32));
  const masked = Buffer.concat(keys).map((byte) => byte ^ 0xa5);
  const child = spawn(process.execPath, [CHILD, Buffer.from(masked).toString('hex'), mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    const draws = Number(line.toString().split(' ')[1]);
    const regions = memoryOf(child.pid!);
    const found: string[] = [];
    for (const [draw, key] of keys.slice(0, draws).entries()) {
      const forms = {
        raw: key,
        base64: Buffer.from(key.toString('base64')),
        hex: Buffer.from(key.toString('hex')),
      };
      for (const [form, bytes] of Object.entries(forms)) {
        if (regions.some((region) => region.includes(bytes))) found.push(`${form} of draw ${draw}`);
      }
    }
    return found;
  } finally {
    child.kill('SIGKILL');
  }
}

test('no key is left in the memory of a process that has sealed', async (t) => {
  if (process.platform !== 'linux')
    return t.skip(notOnThisPlatform('reads another process’s memory by /proc'));
  let open: string[];
  try {
    open = await keysLeft('open');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return t.skip(missing('the right to read a child’s memory'));
  }
  assert(
    open.some((found) => found.startsWith('raw')),
    'the search finds keys where they are',
  );
  assert.deepEqual(await keysLeft('sealed'), []);
});
