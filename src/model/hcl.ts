/**
 * The language of policies and of the server's configuration: HCL 1, or JSON that says the same.
 *
 * @module
 */
import type { HclFile } from './hcl/ast.ts';
import { parseHclJson } from './hcl/json.ts';
import { parseHcl } from './hcl/parser.ts';

export * from './hcl/ast.ts';
export { formatHcl } from './hcl/format.ts';
export { parseHclJson } from './hcl/json.ts';
export { parseHcl } from './hcl/parser.ts';
export * from './hcl/values.ts';

/**
 * JSON where the first character is `{`, else HCL.
 * @throws HclError and nothing else, whatever the text.
 */
export function parseConfigText(text: string): HclFile {
  return text.trimStart().startsWith('{') ? parseHclJson(text) : parseHcl(text);
}
