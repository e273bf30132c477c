/**
 * `-autocomplete-install` and `-autocomplete-uninstall`, as Vault's program has them: shells of this user complete from their next start on.
 *
 * The script lies in a file, and the shell's own file has one line that reads it: starting a shell does not start us.
 *
 * @module
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Environment } from '../environment.ts';
import { localFailure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import { completionScript, type Shell } from './scripts.ts';

interface Place {
  readonly shell: Shell;
  /** Where the script goes. */
  readonly script: string;
  /** The shell's own file, which has to read it; undefined where it does so by itself. */
  readonly startFile?: string;
}

/** Shells of which this user has a file or folder; bash in any case, as in Vault. */
function placesOf(home: string, env: Environment, name: string): Place[] {
  const config = env.XDG_CONFIG_HOME || join(home, '.config');
  const own = (shell: Shell) => join(config, 'coffer', `completion-${name}.${shell}`);
  const zsh = join(env.ZDOTDIR || home, '.zshrc');
  const fish = join(config, 'fish');
  return [
    { shell: 'bash', script: own('bash'), startFile: join(home, '.bashrc') },
    ...(existsSync(zsh) ? [{ shell: 'zsh', script: own('zsh'), startFile: zsh } as const] : []),
    ...(existsSync(fish)
      ? [{ shell: 'fish', script: join(fish, 'completions', `${name}.fish`) } as const]
      : []),
  ];
}

const homeOf = ({ HOME }: Environment): string => {
  if (!HOME) throw localFailure('HOME is not set: there is no place to install completion');
  return HOME;
};

function lineFor({ script }: Place): string {
  const quoted = `'${script.replaceAll("'", `'\\''`)}'`;
  return `[ -r ${quoted} ] && . ${quoted}`;
}

function hasLine(file: string, line: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8').split('\n').includes(line);
}

/** @param call - how the program is called: an absolute path, or a name that leads to it. @throws CommandFailure where it is there already. */
export function install(env: Environment, name: string, call: string, terminal: Terminal): number {
  const places = placesOf(homeOf(env), env, name);
  const isThere = (place: Place) =>
    existsSync(place.script) && (place.startFile === undefined || hasLine(place.startFile, lineFor(place)));
  if (places.every(isThere)) throw localFailure('Completion is installed already');
  for (const place of places) {
    mkdirSync(dirname(place.script), { recursive: true });
    writeFileSync(place.script, completionScript(place.shell, name, call));
    if (place.startFile !== undefined && !hasLine(place.startFile, lineFor(place))) {
      const before = existsSync(place.startFile) ? readFileSync(place.startFile, 'utf8') : '';
      appendFileSync(
        place.startFile,
        `${before === '' || before.endsWith('\n') ? '' : '\n'}${lineFor(place)}\n`,
      );
    }
    terminal.output(
      `Completion for ${place.shell}: ${place.script}${place.startFile ? `, read by ${place.startFile}` : ''}`,
    );
  }
  terminal.output('Shells that are started from now on complete.');
  return 0;
}

/** @throws CommandFailure where it is not there. */
export function uninstall(env: Environment, name: string, terminal: Terminal): number {
  let count = 0;
  for (const place of placesOf(homeOf(env), env, name)) {
    const { script, startFile } = place;
    const line = lineFor(place);
    if (startFile !== undefined && hasLine(startFile, line)) {
      const lines = readFileSync(startFile, 'utf8').split('\n');
      writeFileSync(startFile, lines.filter((one) => one !== line).join('\n'));
      count++;
    }
    if (!existsSync(script)) continue;
    rmSync(script);
    terminal.output(`Removed ${script}`);
    count++;
  }
  if (count === 0) throw localFailure('Completion is not installed');
  return 0;
}
