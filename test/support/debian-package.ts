/**
 * Programs from Debian's packages, fetched once into the cache and unpacked there: nothing is installed, and apt's own lists, caches and
 * settings stay as they are. Where Debian's archive is, this machine's apt says.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../compat/cache.ts';

const run = promisify(execFile);
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const FETCH_TIMEOUT_MS = 180_000;

export interface DebianProgram {
  readonly package: string;
  /** Upstream's; Debian's own revision behind it may be any. */
  readonly version: string;
  /** The release that has it, such as `bookworm`. */
  readonly suite: string;
  /** In the package, such as `usr/bin/etcd`. */
  readonly path: string;
}

/** The program's path, or a sentence saying why it cannot be had. Never throws. */
export async function findProgram(program: DebianProgram): Promise<{ path: string } | { missing: string }> {
  const { package: name, version, suite, path } = program;
  if (process.platform !== 'linux' || !existsSync(KEYRING)) {
    return { missing: `${name} ${version} (it comes from Debian's archive)` };
  }
  try {
    const key = JSON.stringify([name, version, suite, process.arch]);
    const folder = await cached(name, key, (work) => fetch(work, program));
    return { path: join(folder, path) };
  } catch (error) {
    return {
      missing: `${name} ${version} from Debian's ${suite} (${(error as Error).message.split('\n')[0]})`,
    };
  }
}

async function fetch(work: string, { package: name, version, suite, path }: DebianProgram): Promise<void> {
  const apt = join(work, 'apt');
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'none']) {
    mkdirSync(join(apt, folder), { recursive: true });
  }
  const sources = join(apt, 'sources.list');
  writeFileSync(sources, `deb [signed-by=${KEYRING}] ${await debianArchive()} ${suite} main\n`);
  // Settings of this machine's apt but for how it reaches an archive are left out: some clean its own caches after each update.
  const { stdout: acquire } = await run('apt-config', ['dump', '--format', '%F "%v";%n', 'Acquire']);
  const settings = [
    acquire,
    `Dir::Etc::main "/dev/null"; Dir::Etc::parts "${join(apt, 'none')}";`,
    `Dir::Etc::sourcelist "${sources}"; Dir::Etc::sourceparts "${join(apt, 'none')}";`,
    `Dir::State "${join(apt, 'state')}"; Dir::State::status "/var/lib/dpkg/status";`,
    `Dir::Cache "${join(apt, 'cache')}"; Acquire::Languages "none"; APT::Sandbox::User "";`,
  ];
  writeFileSync(join(apt, 'apt.conf'), `${settings.join('\n')}\n`);
  const options = {
    cwd: work,
    timeout: FETCH_TIMEOUT_MS,
    env: { ...process.env, APT_CONFIG: join(apt, 'apt.conf') },
  };
  await run('apt-get', ['-q', 'update'], options);
  await run('apt-get', ['-q', 'download', `${name}=${version}*`], options);
  for (const file of globSync(join(work, `${name}_*.deb`))) {
    await run('dpkg-deb', ['-x', file, work]);
    rmSync(file);
  }
  rmSync(apt, { recursive: true, force: true });
  if (!existsSync(join(work, path))) throw new Error(`the package has no ${path}`);
}

async function debianArchive(): Promise<string> {
  const { stdout } = await run('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI)',
    'Created-By: Packages',
  ]);
  const archive = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (archive === undefined) throw new Error("this machine's apt knows no Debian archive");
  return archive;
}
