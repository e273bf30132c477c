/**
 * A file device that makes a chain, with its store, keys and clock made by hand; and what happens to its log.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { makeChainHeads } from '../../src/audit/chain-heads.ts';
import { makeCheckpointSigner } from '../../src/audit/checkpoint-signer.ts';
import type { AuditDevice } from '../../src/audit/device.ts';
import { makeFileDevice } from '../../src/audit/file-device.ts';
import type { ServerChain } from '../../src/audit/verify/verify.ts';
import { rfc3339 } from '../../src/model/time.ts';
import { makeManualClock } from './manual-clock.ts';
import { makeMemoryStorage } from './memory-storage.ts';

export function makeChainWorld() {
  const storage = makeMemoryStorage();
  const heads = makeChainHeads(storage);
  const clock = makeManualClock(Date.UTC(2026, 10, 1));
  const alarms: string[] = [];
  let generation = 1;
  const signer = makeCheckpointSigner({
    derive: (label) => createHash('sha256').update(label).digest(),
    generation: () => generation,
  });
  return {
    storage,
    heads,
    clock,
    signer,
    alarms,
    rotateKeys: () => void generation++,
    /** @param chain - 16 hex digits. */
    device(path: string, chain = 'c'.repeat(16), options: Record<string, string> = {}): AuditDevice {
      return makeFileDevice({
        options: { file_path: path, ...options },
        salt: chain,
        chain: {
          id: chain,
          device: 'file/',
          node: 'n1',
          heads,
          signer,
          clock,
          now: clock.wallMs,
          alarm: (text) => void alarms.push(text),
        },
      });
    },
    keys: (): Map<string, string> =>
      new Map(
        signer
          .all()
          .flatMap(({ ids, keys }) => [
            [ids.ed25519, keys.ed25519] as const,
            [ids.ml_dsa_65, keys.ml_dsa_65] as const,
          ]),
      ),
    /** As the server shows them. */
    async server(disabled: readonly string[] = []): Promise<ServerChain[]> {
      const ids = await heads.list('', 100);
      return Promise.all(
        ids.map(async (chain) => {
          const { head } = (await heads.load(chain))!;
          const enabled = !disabled.includes(chain);
          return { ...head, chain, file: head.file ?? '', time: rfc3339(head.atMs), enabled };
        }),
      );
    },
  };
}

export const entryLine = (n: number): string =>
  JSON.stringify({ time: rfc3339(n), type: 'request', request: { id: `r${n}`, path: `secret/${n}` } });

/** Writes `count` entries, one write each. */
export async function writeEntries(device: AuditDevice, count: number, from = 0): Promise<void> {
  for (let n = 0; n < count; n++) await device.write(entryLine(from + n));
}

export const logLines = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);

/** Writes the log again as `change` makes it of its lines. */
export function tamper(path: string, change: (lines: string[]) => string[]): void {
  writeFileSync(
    path,
    change(logLines(path))
      .map((line) => `${line}\n`)
      .join(''),
  );
}

/** Lines from `from` on, linked anew: what one does who can write the file, but has no keys. */
export function relink(lines: readonly string[], from: number): string[] {
  const out = lines.slice(0, from);
  for (const line of lines.slice(from)) {
    const prev = out.length === 0 ? '0'.repeat(64) : createHash('sha256').update(out.at(-1)!).digest('hex');
    out.push(line.replace(/"prev":"[0-9a-f]{64}"\}$/, `"prev":"${prev}"}`));
  }
  return out;
}
