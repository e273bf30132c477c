/**
 * What nodes take for granted of their machine and faults take away: a wall clock each, and a small disk for the embedded store.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFaketime, stepWall, withWallOf } from '../../test/support/faketime.ts';
import { testFolder } from '../../test/support/test-folder.ts';

export interface Disk {
  /** Where the store lies. */
  readonly folder: string;
  fill(): void;
  makeRoom(): void;
}

export interface Clocks {
  /** Put before a node's command. */
  wrapper(node: number): string[];
  /** @param node - from 1. @param seconds - off the machine's; 0 mends it. */
  step(node: number, seconds: number): void;
}

export interface Machine {
  readonly clocks?: Clocks;
  readonly disk?: Disk;
  /** Once nobody uses them. */
  remove(): void;
}

const DISK_BYTES = 96 * 1024 * 1024;

export interface MachineOptions {
  readonly nodes: number;
  readonly clocks: boolean;
  readonly disk: boolean;
}

/** @returns a sentence where this machine cannot. */
export async function makeMachine(options: MachineOptions): Promise<Machine | { missing: string }> {
  const folder = testFolder('machine');
  const found = options.clocks ? await findFaketime() : undefined;
  if (found && 'missing' in found) return found;
  const file = (node: number) => join(folder, `clock-${node}`);
  for (let node = 1; node <= options.nodes; node++) stepWall(file(node), 0);
  const place = join(folder, 'disk');
  if (options.disk) {
    mkdirSync(place);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', place], { stdio: 'pipe' });
    } catch (error) {
      return { missing: `the right to mount a small file system (root): ${(error as Error).message}` };
    }
  }
  const unmount = () => {
    if (existsSync(place)) execFileSync('umount', ['-l', place]);
  };
  // Before the folder is removed, which another listener does.
  process.prependListener('exit', () => options.disk && !isRemoved && unmount());
  let isRemoved = false;
  const filler = join(place, 'filler');
  return {
    clocks: found && {
      wrapper: (node) => withWallOf(found.path, file(node)),
      step: (node, seconds) => stepWall(file(node), seconds),
    },
    disk: options.disk
      ? {
          folder: join(place, 'store'),
          fill() {
            const { bsize, bavail } = statfsSync(place);
            try {
              writeFileSync(filler, Buffer.alloc(bsize * bavail, 1));
            } catch {
              // Nodes write too: it is full before all of this is written.
            }
          },
          makeRoom: () => rmSync(filler, { force: true }),
        }
      : undefined,
    remove() {
      isRemoved = true;
      if (options.disk) unmount();
    },
  };
}
