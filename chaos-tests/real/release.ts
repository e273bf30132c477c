/**
 * The next release, for rolling upgrades: this tree's program, which also speaks one version of messages more.
 *
 * @module
 */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testFolder } from '../../test/support/test-folder.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const SPEAKS = /const SPEAKS = \[1, (\d+)\] as const;/;

export interface Release {
  /** What node is given. */
  readonly entry: string;
  /** The highest version of messages that it speaks. */
  readonly speaks: number;
}

/** Gone when this process ends. @throws Error where the source names its versions otherwise. */
export function makeNextRelease(): Release {
  const folder = testFolder('release');
  cpSync(join(PROJECT, 'src'), join(folder, 'src'), { recursive: true });
  cpSync(join(PROJECT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'src/member.ts');
  const source = readFileSync(file, 'utf8');
  const found = SPEAKS.exec(source);
  if (!found) throw new Error(`${file} does not say which versions it speaks as expected`);
  const speaks = Number(found[1]) + 1;
  writeFileSync(file, source.replace(SPEAKS, `const SPEAKS = [1, ${speaks}] as const;`));
  return { entry: join(folder, 'src/coffer.ts'), speaks };
}
