/**
 * docs/first-cluster.md, block by block: three machines that are three addresses of this one, each with a folder and a shell of its own.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { type DocBlock, docBlocks } from '../support/doc-blocks.ts';
import { findEtcd } from '../support/etcd.ts';
import { freePort } from '../support/free-port.ts';
import { testFolder } from '../support/test-folder.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const PAGE = readFileSync(join(ROOT, 'docs/first-cluster.md'), 'utf8');
const MACHINES = 3;
const UNTIL_MS = 40_000;

const found = await findEtcd();
const world = testFolder('first-cluster');
const shells: Shell[] = [];
after(() => {
  for (const shell of shells) shell.end();
});

test('the page, as it stands', { skip: 'missing' in found ? found.missing : false }, async () => {
  assert('path' in found);
  const blocks = docBlocks(PAGE, MACHINES);
  assert(blocks.length > 15);
  const ports = new Map<string, number>();
  for (const port of ['8200', '8201', '2379', '2380']) ports.set(port, await freePort());
  const local = (text: string): string =>
    text
      .replaceAll(/10\.0\.0\.(\d)/g, '127.0.0.$1')
      .replaceAll(/:(8200|8201|2379|2380)\b/g, (_all, port: string) => `:${ports.get(port)}`);
  const bin = makePrograms(found.path);
  for (let n = 1; n <= MACHINES; n++) shells.push(new Shell(n, bin));
  for (const block of blocks) {
    await Promise.all(block.machines.map((n) => runBlock(block, n, local)));
  }
});

async function runBlock(block: DocBlock, n: number, local: (text: string) => string): Promise<void> {
  const text = local(block.me ? block.text.replaceAll('10.0.0.1', `10.0.0.${n}`) : block.text);
  const pattern = block.shows ?? block.until;
  const wanted = pattern && new RegExp(local(pattern.source), 's');
  const endMs = Date.now() + UNTIL_MS;
  for (;;) {
    const { output, exit } = await shells[n - 1]!.run(text);
    const where = `docs/first-cluster.md:${block.line}, machine ${n}:\n${output}`;
    const isMatch = wanted === undefined || wanted.test(output);
    if (block.until) {
      if (isMatch) return;
      assert(Date.now() < endMs, `still not as the page says, ${where}${logs()}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    assert.equal(exit, 0, where + logs());
    assert(isMatch, where + logs());
    return;
  }
}

/** Ends of the nodes' logs. */
function logs(): string {
  let out = '';
  for (let n = 1; n <= MACHINES; n++) {
    try {
      out += `\n--- machine ${n}\n${readFileSync(join(folderOf(n), 'coffer/coffer.log'), 'utf8').slice(-1_500)}`;
    } catch {
      // It was not started yet.
    }
  }
  return out;
}

function folderOf(n: number): string {
  return join(world, `m${n}`);
}

/** A clone on each machine, etcd, and an scp between their folders. */
function makePrograms(etcd: string): string {
  for (let n = 1; n <= MACHINES; n++) {
    mkdirSync(join(folderOf(n), 'coffer'), { recursive: true });
    mkdirSync(join(folderOf(n), 'coffer/bin'));
    symlinkSync(join(ROOT, 'bin/coffer'), join(folderOf(n), 'coffer/bin/coffer'));
  }
  const bin = join(world, 'bin');
  mkdirSync(bin);
  symlinkSync(etcd, join(bin, 'etcd'));
  const scp = `#!/bin/sh\nto=\${3#127.0.0.}\nexec cp -p "$2" "${world}/m\${to%%:*}/\${to#*:}"\n`;
  writeFileSync(join(bin, 'scp'), scp);
  chmodSync(join(bin, 'scp'), 0o755);
  return bin;
}

/** One shell for all blocks of a machine: what one exports the next one sees. */
class Shell {
  readonly #child: ChildProcess;
  #output = '';
  #waiting: (() => void) | undefined;

  constructor(n: number, bin: string) {
    this.#child = spawn('bash', ['--noprofile', '--norc'], {
      cwd: folderOf(n),
      // A group of its own: servers and all go with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { HOME: folderOf(n), PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin` },
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        this.#output += chunk;
        this.#waiting?.();
      });
    }
    this.#child.on('exit', () => this.#waiting?.());
  }

  async run(text: string): Promise<{ output: string; exit: number }> {
    this.#output = '';
    // Each line must work, not only the last; in this shell, so that what is exported stays.
    this.#child.stdin!.write(
      `__failed=0; trap '__failed=1' ERR\n${text}\ntrap - ERR; sleep 0.05; echo "::done $__failed"\n`,
    );
    const done = () => /^::done (\d)$/m.exec(this.#output);
    while (!done() && this.#child.exitCode === null) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    const output = this.#output.replace(/^::done \d\n/m, '');
    return { output, exit: Number(done()?.[1] ?? 1) };
  }

  end(): void {
    try {
      process.kill(-this.#child.pid!, 'SIGKILL');
    } catch {
      // It is gone.
    }
  }
}
