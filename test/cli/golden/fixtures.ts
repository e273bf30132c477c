/**
 * Files that golden cases read, written to a folder that is `{dir}` in their commands.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILES: Readonly<Record<string, string>> = {
  'data.json': '{"who":"world","count":3,"pi":3.10,"nested":{"deep":[1,"two",null,true]},"html":"<a>&b"}\n',
  'value.txt': 'first line\nsecond line\n',
  'bad.json': 'who=world\n',
  'list.json': '[1,2]\n',
  'policy.hcl': 'path "secret/data/*" {\n  capabilities = ["read"]\n}\n',
  'untidy.hcl':
    'path   "secret/data/*"   {\ncapabilities=["read"]   # only read\n  max_wrapping_ttl = "5m"\n}\n',
  'wrong.hcl': 'path "secret/data/*" { capabilities = ["dance"] }\n',
};

/** Writes the files into `dir`, with a home folder beside them. */
export function writeFixtures(dir: string): void {
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(dir, name), text);
  mkdirSync(join(dir, 'home'), { recursive: true });
}
