import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, toJavaScript } from '../../scripts/build.ts';
import { testFolder } from '../support/test-folder.ts';

const folder = testFolder('build');

test('types go, and every kind of relative import leads to .js', () => {
  const source = [
    "import { a } from './a.ts';",
    'import type { T } from "./types.ts";',
    "import './side-effect.ts';",
    "export { b } from '../up/b.ts';",
    "export * from './c.ts';",
    "const d = await import('./d.ts');",
    "const url = new URL('./worker.ts', import.meta.url);",
    "import fs from 'node:fs';",
    'const n: number = 1;',
  ].join('\n');
  const found: string[] = [];
  const made = toJavaScript(source, (specifier) => found.push(specifier));
  assert.deepEqual(found, ['./a.js', './side-effect.js', '../up/b.js', './c.js', './d.js', './worker.js']);
  assert.doesNotMatch(made, /\.ts['"]/);
  assert.match(made, /^const n {9}= 1;$/m);
  assert.match(made, /from 'node:fs'/);
});

test('text that only speaks of .ts files stays as it is', () => {
  assert.equal(toJavaScript("const text = 'see main.ts';"), "const text = 'see main.ts';");
});

test('a folder is built anew, other files are copied, and an import that leads nowhere fails the build', () => {
  const [from, to] = [join(folder, 'src'), join(folder, 'dist')];
  mkdirSync(join(from, 'room'), { recursive: true });
  mkdirSync(to);
  writeFileSync(join(to, 'stale.js'), '');
  writeFileSync(join(from, 'main.ts'), "import { a } from './room/a.ts';\nexport const b: number = a;\n");
  writeFileSync(join(from, 'room/a.ts'), 'export const a = 1 as number;\n');
  writeFileSync(join(from, 'room/data.json'), '{}');
  assert.equal(build(from, to), 3);
  assert.ok(!existsSync(join(to, 'stale.js')));
  assert.match(readFileSync(join(to, 'main.js'), 'utf8'), /from '\.\/room\/a\.js'/);
  assert.equal(readFileSync(join(to, 'room/data.json'), 'utf8'), '{}');
  writeFileSync(join(from, 'main.ts'), "import { a } from './room/gone.ts';\n");
  assert.throws(() => build(from, to), /main\.js imports \.\/room\/gone\.js, which is not built/);
});
