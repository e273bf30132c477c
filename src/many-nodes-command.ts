/**
 * `coffer server -nodes=N`: the process that starts the nodes, and from signals to their end.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { bannerFacts, serverBanner } from './banner.ts';
import { type ManyNodes, startManyNodes } from './machine/many-nodes.ts';
import { makeLog } from './observe/log.ts';
import { writePidFile } from './pid-file.ts';
import { parseServerFlags, SERVER_HELP, type ServerFlags } from './server-flags.ts';
import { settingsOf } from './server-settings.ts';
import { listenToSignals } from './server-signals.ts';
import { whatHelps } from './taken-address.ts';

interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** @returns the exit code, once all nodes have ended. */
export async function runManyNodes(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  streams: Streams,
): Promise<number> {
  let flags: ServerFlags | undefined;
  try {
    flags = parseServerFlags(args, env);
    if (flags.help) {
      streams.stdout.write(SERVER_HELP);
      return 0;
    }
    if (flags.dev)
      throw new Error('-nodes: not with -dev; `coffer cluster demo` starts several for a first look');
    if (flags.config.length === 0) throw new Error('must specify at least one config path using -config');
    return await serve(flags.nodes ?? 1, args, env, streams);
  } catch (error) {
    const help = flags === undefined ? '' : whatHelps(error, flags, 'coffer');
    streams.stderr.write(`Error starting the server: ${(error as Error).message}${help}\n`);
    return 1;
  }
}

async function serve(
  count: number,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { stdout, stderr }: Streams,
): Promise<number> {
  const signals = listenToSignals();
  let nodes: ManyNodes | undefined;
  // Those that have been started by then end by themselves.
  const end = signals.end.then((signal) => nodes ?? process.exit(signal === 'SIGINT' ? 130 : 1));
  const settings = settingsOf(parseServerFlags(args, env), env, undefined);
  for (const warning of settings.warnings) stderr.write(`WARNING! ${warning}\n`);
  const log = makeLog(settings.log);
  const childArgs = ['server', ...withoutNodes(args)];
  nodes = await startManyNodes({ count, settings, args: childArgs, env, log });
  let pidFile: string | undefined;
  try {
    pidFile = writePidFile(settings.pidFile);
    stdout.write(serverBanner({ ...bannerFacts(settings), nodes: count }));
    const { signal, kill } = nodes;
    signals.onReload(() => {
      stdout.write('==> Vault reload triggered\n');
      log.reopen();
      signal('SIGHUP');
    });
    signals.onInsist(() => {
      kill();
      process.exit(1);
    });
    await end;
    stdout.write('==> Vault shutdown triggered\n');
    return 0;
  } finally {
    await nodes.stop();
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
    log.flush();
  }
}

/** `-nodes=2` and `-nodes 2`, as `parseServerFlags` has them. */
function withoutNodes(args: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (/^--?nodes$/.test(arg)) at++;
    else if (!/^--?nodes=/.test(arg)) kept.push(arg);
  }
  return kept;
}
