/**
 * The program: `server` starts a server, everything else is the command line client. Both are loaded only when needed.
 *
 * @module
 */
import module from 'node:module';

// Compiled code is kept between runs, which halves the time a command takes to start.
module.enableCompileCache();

const argv = process.argv.slice(2);
const streams = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };

// A pipe that its reader closed (`coffer read … | head -1`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exitCode = 0;
});

if (argv[0] === 'server' && argv.some((arg) => /^--?nodes(=|$)/.test(arg))) {
  const { runManyNodes } = await import('./many-nodes-command.ts');
  process.exitCode = await runManyNodes(argv.slice(1), process.env, streams);
} else if (argv[0] === 'server') {
  const { runServer } = await import('./server-command.ts');
  process.exitCode = await runServer(argv.slice(1), process.env, streams);
} else {
  const { runCli } = await import('./cli/main.ts');
  process.exitCode = await runCli(argv, process.env, streams);
}
