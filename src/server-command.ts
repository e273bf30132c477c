/**
 * `coffer server`: from flags and configuration to a running server, and from signals to its end.
 *
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { bannerFacts, devBanner, serverBanner } from './banner.ts';
import { sanitizedConfig } from './config/sanitized.ts';
import { type DevSecrets, openDevMode } from './dev-mode.ts';
import type { DevTlsFiles } from './dev-tls.ts';
import { tellListening } from './machine/child-side.ts';
import { nodeNumber } from './machine/one-of-many.ts';
import { type Coffer, openCoffer } from './main.ts';
import { STOP_LINGER_MS } from './model/limits.ts';
import { makeLog } from './observe/log.ts';
import { writePidFile } from './pid-file.ts';
import { parseServerFlags, SERVER_HELP, type ServerFlags } from './server-flags.ts';
import { type NodeSettings, settingsOf } from './server-settings.ts';
import { listenToSignals, logFaults, untilEnded } from './server-signals.ts';
import { whatHelps } from './taken-address.ts';

export interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** @returns the exit code, once the server has ended. */
export async function runServer(
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
    if (!flags.dev && flags.config.length === 0) {
      throw new Error('must specify at least one config path using -config, or -dev for a first look');
    }
    return await serve(flags, env, streams);
  } catch (error) {
    const help = flags === undefined ? '' : whatHelps(error, flags, programOf(env));
    streams.stderr.write(`Error starting the server: ${(error as Error).message}${help}\n`);
    // Signals to end are nobody's business any more: whatever were still open would keep the process, with nothing that ends it.
    setTimeout(() => process.exit(1), STOP_LINGER_MS).unref();
    return 1;
  }
}

/** How the next commands are to begin, as bin/coffer says. */
function programOf(env: NodeJS.ProcessEnv): string {
  return env.COFFER_PROGRAM ?? 'bin/coffer';
}

async function serve(flags: ServerFlags, env: NodeJS.ProcessEnv, streams: Streams): Promise<number> {
  const signals = listenToSignals();
  const devTls = flags.devTls ? await makeDevTlsFiles(flags) : undefined;
  let pidFile: string | undefined;
  try {
    const read = () => settingsOf(flags, env, devTls);
    const settings = read();
    for (const warning of settings.warnings) streams.stderr.write(`WARNING! ${warning}\n`);
    const log = makeLog(settings.log);
    logFaults(log);
    // V8 lets a small heap grow several times over before it collects all of it: memory for nothing in a server that holds little.
    // More room than this made durable writes a tenth faster, and left twice as much behind after a flood of requests.
    setFlagsFromString('--heap-growing-percent=70');
    // V8 makes objects old at birth where many of their sort have outlived a collection of young ones. Under load that comes about by chance (a
    // collection of all makes old whatever is under way), and goes on by itself: what such objects lead to lives as long as they do.
    setFlagsFromString('--no-allocation-site-pretenuring');
    const coffer = await openCoffer({
      ...settings,
      log,
      logControl: log,
      configuration: sanitizedConfig(settings),
    });
    try {
      const secrets = await open(coffer, flags);
      // Now that the store is ours, and the addresses are: another server's file is not to be overwritten by one that cannot start.
      pidFile = writePidFile(settings.pidFile);
      announce(secrets, flags, env, settings, devTls, streams);
    } catch (error) {
      await coffer.stop().catch((cause: unknown) => log.error('shutdown failed', { error: cause }));
      throw error;
    }
    return await untilEnded(coffer, read, log, signals, streams);
  } finally {
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
    if (devTls && flags.devTlsCertDir === undefined)
      rmSync(join(devTls.caFile, '..'), { recursive: true, force: true });
  }
}

/** Opens dev mode where it is asked for, and listens. */
async function open(coffer: Coffer, flags: ServerFlags): Promise<DevSecrets | undefined> {
  const secrets = flags.dev
    ? await openDevMode(coffer, {
        folder: flags.devData,
        rootTokenId: flags.devRootTokenId,
        kvVersion: flags.devKvVersion,
      })
    : undefined;
  // Only now: whoever finds the port open finds everything there.
  await coffer.listen();
  tellListening();
  return secrets;
}

function announce(
  secrets: DevSecrets | undefined,
  flags: ServerFlags,
  env: NodeJS.ProcessEnv,
  settings: NodeSettings,
  devTls: DevTlsFiles | undefined,
  streams: Streams,
): void {
  // One of many: the process that started all of them says it once.
  if (nodeNumber(env) === undefined) streams.stdout.write(serverBanner(bannerFacts(settings)));
  if (!secrets) return;
  const tokenStored = !flags.devNoStoreToken && storeToken(secrets.rootTokens[0], env, streams);
  streams.stdout.write(
    devBanner({
      unsealKey: secrets.unsealKey,
      rootToken: secrets.rootTokens[0],
      address: settings.reachedAt,
      caFile: devTls?.caFile,
      dataFolder: flags.devData,
      isKept: settings.storage.type === 'file',
      hasKv: flags.devKvVersion !== undefined,
      tokenStored,
      program: programOf(env),
    }),
  );
}

async function makeDevTlsFiles(flags: ServerFlags): Promise<DevTlsFiles> {
  const { makeDevTls } = await import('./dev-tls.ts');
  return makeDevTls(flags.devTlsCertDir, flags.devTlsSan, Date.now());
}

/** Where `login` would put it, so that the next command needs no token. */
function storeToken(token: string, env: NodeJS.ProcessEnv, streams: Streams): boolean {
  const file = join(env.HOME ?? homedir(), '.vault-token');
  try {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, token, { mode: 0o600 });
    return true;
  } catch (error) {
    streams.stderr.write(
      `WARNING! the root token could not be stored in ${file}: ${(error as Error).message}\n`,
    );
    return false;
  }
}
