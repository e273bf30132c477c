/**
 * `coffer server`: from flags and configuration to a running server, and from signals to its end.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { devBanner, serverBanner } from './banner.ts';
import { openDevMode } from './dev-mode.ts';
import type { DevTlsFiles } from './dev-tls.ts';
import { type Coffer, openCoffer } from './main.ts';
import { makeLog, type ServerLog } from './observe/log.ts';
import { parseServerFlags, SERVER_HELP, type ServerFlags } from './server-flags.ts';
import { type NodeSettings, settingsOf } from './server-settings.ts';

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
  try {
    const flags = parseServerFlags(args, env);
    if (flags.help) {
      streams.stdout.write(SERVER_HELP);
      return 0;
    }
    if (!flags.dev && flags.config.length === 0) {
      throw new Error('must specify at least one config path using -config, or -dev for a first look');
    }
    return await serve(flags, env, streams);
  } catch (error) {
    streams.stderr.write(`Error starting the server: ${(error as Error).message}\n`);
    return 1;
  }
}

async function serve(flags: ServerFlags, env: NodeJS.ProcessEnv, streams: Streams): Promise<number> {
  const devTls = flags.devTls ? await makeDevTlsFiles(flags) : undefined;
  const read = () => settingsOf(flags, env, devTls);
  const settings = read();
  for (const warning of settings.warnings) streams.stderr.write(`WARNING! ${warning}\n`);
  const log = makeLog(settings.log);

  // V8 lets a small heap grow several times over before it collects all of it: memory for nothing in a server that holds little.
  setFlagsFromString('--heap-growing-percent=30');
  const coffer = await openCoffer({ ...settings, log });
  try {
    const secrets = flags.dev
      ? await openDevMode(coffer, {
          folder: flags.devData,
          rootTokenId: flags.devRootTokenId,
          kvVersion: flags.devKvV1 ? '1' : '2',
        })
      : undefined;
    // Only now: whoever finds the port open finds everything there.
    await coffer.listen();
    streams.stdout.write(serverBanner(bannerFacts(settings)));
    if (secrets) {
      const tokenStored = !flags.devNoStoreToken && storeToken(secrets.rootToken, env, streams);
      streams.stdout.write(
        devBanner({
          ...secrets,
          address: settings.apiAddress,
          caFile: devTls?.caFile,
          dataFolder: flags.devData,
          tokenStored,
          program: env.COFFER_PROGRAM ?? 'bin/coffer',
        }),
      );
    }
  } catch (error) {
    await coffer.stop();
    throw error;
  }
  return untilEnded(coffer, read, log);
}

async function makeDevTlsFiles(flags: ServerFlags): Promise<DevTlsFiles> {
  const { makeDevTls } = await import('./dev-tls.ts');
  return makeDevTls(flags.devTlsCertDir, flags.devTlsSan, Date.now());
}

function bannerFacts(settings: NodeSettings): Parameters<typeof serverBanner>[0] {
  return {
    apiAddress: settings.apiAddress,
    clusterAddress: settings.clusterAddress,
    listeners: settings.listeners.map(
      ({ address, tls_disable }) =>
        `tcp (addr: "${address}", tls: "${tls_disable ? 'disabled' : 'enabled'}")`,
    ),
    logLevel: settings.log.level,
    storage: settings.storage.type,
  };
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

/** SIGHUP reloads; SIGTERM and SIGINT end: what is running is finished. A second one ends at once. */
function untilEnded(coffer: Coffer, read: () => NodeSettings, log: ServerLog): Promise<number> {
  return new Promise((resolve) => {
    let ending = false;
    const end = (signal: string) => {
      if (ending) process.exit(1);
      ending = true;
      log.info('shutdown triggered', { signal });
      coffer.stop().then(
        () => resolve(0),
        (error: unknown) => {
          log.error('shutdown failed', { error });
          resolve(1);
        },
      );
    };
    process.on('SIGTERM', () => end('SIGTERM'));
    process.on('SIGINT', () => end('SIGINT'));
    process.on('SIGHUP', () => {
      const reload = async () => {
        log.setLevel(read().log.level);
        log.reopen();
        await coffer.reload();
      };
      reload().then(
        () => log.info('reloaded'),
        (error: unknown) => log.error('reload failed; what could not be read stays as it was', { error }),
      );
    });
  });
}
