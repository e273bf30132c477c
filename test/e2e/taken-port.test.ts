import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../src/coffer.ts', import.meta.url));

test('a dev server whose port is taken says so in one line, with the command that helps', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  try {
    const args = ['server', '-dev', '-dev-no-store-token', `-dev-listen-address=127.0.0.1:${port}`];
    const child = spawn(process.execPath, [ENTRY, ...args], {
      env: { ...process.env, COFFER_PROGRAM: 'bin/coffer' },
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    assert.equal(stdout, '');
    const other = port < 65_000 ? port + 100 : 8200;
    assert.equal(
      stderr,
      `Error starting the server: cannot listen on 127.0.0.1:${port}: the address is already in use; ` +
        `take another: bin/coffer server -dev -dev-listen-address=127.0.0.1:${other}\n`,
    );
    assert.equal(code, 1);
  } finally {
    taken.close();
  }
});
