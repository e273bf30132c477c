/**
 * `npm run build`: makes dist/ out of src/. Node strips no types under node_modules, so a release is plain JavaScript.
 *
 * Types are erased in place by Node itself (lines and columns stay), `.ts` in relative imports becomes `.js`, other files
 * are copied. The build fails when an import would lead nowhere.
 *
 * @module
 */
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `from './x.ts'`, `import './x.ts'`, `import('./x.ts')` and `new URL('./x.ts', import.meta.url)`. */
const SPECIFIERS = /(\bfrom\s*|\bimport\s*\(?\s*|\bnew\s+URL\s*\(\s*)(['"])(\.{1,2}\/[^'"\n]+)\.ts\2/g;

/** One file's JavaScript. `found` is told each relative import, as written in the result. */
export function toJavaScript(source: string, found: (specifier: string) => void = () => {}): string {
  return stripTypeScriptTypes(source, { mode: 'strip' }).replace(SPECIFIERS, (_all, lead, quote, path) => {
    found(`${path}.js`);
    return `${lead}${quote}${path}.js${quote}`;
  });
}

/** Builds the folder `from` into `to`, which is emptied first. @throws Error naming every import that leads nowhere. */
export function build(from: string, to: string): number {
  rmSync(to, { recursive: true, force: true });
  const wanted: Array<{ file: string; specifier: string }> = [];
  const files = globSync('**/*', { cwd: from }).filter((name) => statSync(join(from, name)).isFile());
  for (const name of files) {
    const target = join(to, name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    if (name.endsWith('.ts')) {
      const text = toJavaScript(readFileSync(join(from, name), 'utf8'), (specifier) => {
        wanted.push({ file: target, specifier });
      });
      writeFileSync(target, text);
    } else {
      copyFileSync(join(from, name), target);
    }
  }
  const lost = wanted.filter(({ file, specifier }) => !existsSync(resolve(dirname(file), specifier)));
  if (lost.length > 0) {
    throw new Error(
      lost.map((l) => `${relative(to, l.file)} imports ${l.specifier}, which is not built`).join('\n'),
    );
  }
  return files.length;
}

if (import.meta.main) {
  // Node says that stripping may change; the project pins the Node it builds with.
  process.removeAllListeners('warning');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const count = build(join(root, 'src'), join(root, 'dist'));
  process.stdout.write(`dist/: ${count} files\n`);
}
