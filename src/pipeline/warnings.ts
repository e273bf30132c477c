/**
 * What a caller is told of fields that had no effect (contract §1.1).
 *
 * @module
 */
import type { JsonMap } from '../model/json.ts';
import type { Params } from '../model/params.ts';
import type { LogicalReply } from '../model/request.ts';

/** Adds the warnings about unknown and overruled fields, where there is a body to carry them. */
export function paramWarnings(
  reply: LogicalReply,
  declared: Params,
  sent: JsonMap,
  captures: Readonly<Record<string, string>>,
): LogicalReply {
  if (sent.size === 0 || (reply.data === undefined && reply.auth === undefined && !reply.warnings?.length))
    return reply;
  const unknown: string[] = [];
  const replaced: string[] = [];
  for (const name of sent.keys()) {
    if (name in captures) replaced.push(name);
    else if (!Object.hasOwn(declared, name)) unknown.push(name);
  }
  if (unknown.length === 0 && replaced.length === 0) return reply;
  const warnings = [...(reply.warnings ?? [])];
  if (unknown.length > 0) {
    warnings.push(`Endpoint ignored these unrecognized parameters: [${unknown.sort().join(' ')}]`);
  }
  if (replaced.length > 0) {
    warnings.push(
      `Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [${replaced.sort().join(' ')}]`,
    );
  }
  return { ...reply, warnings };
}
