/**
 * Clients' tests end a server with SIGKILL, which nobody can catch: a small process of its own sees it and ends what it left behind.
 *
 * @module
 */
import { spawn } from 'node:child_process';

/** Reads process ids until its input ends with the process that wrote them; then they end, and the folder goes. */
const SCRIPT = `trap '' INT TERM HUP
pids=
while read -r pid; do pids="$pids $pid"; done
test -z "$pids" || kill -KILL $pids 2> /dev/null
rm -rf "$1"`;

/** @returns what takes further process ids. */
export function endWithUs(folder: string): (pid: number) => void {
  const keeper = spawn('sh', ['-c', SCRIPT, 'sh', folder], {
    // Out of our group, which may be killed as one.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  keeper.unref();
  keeper.stdin.on('error', () => {});
  return (pid) => void keeper.stdin.write(`${pid}\n`);
}
