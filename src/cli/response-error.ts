/**
 * A refusal by the server, with the text that Vault's client prints for it.
 *
 * @module
 */
import type { Json } from '../model/json.ts';
import { decodeJson } from './go-json.ts';
import { display } from './go-text.ts';
import type { Reply } from './transport.ts';

export class ResponseError extends Error {
  readonly status: number;
  /** A 404 may carry data all the same: a deleted version has metadata. */
  readonly reply: Reply;

  constructor(method: string, url: string, reply: Reply) {
    super(describeRefusal(method, url, reply));
    this.name = 'ResponseError';
    this.status = reply.status;
    this.reply = reply;
  }
}

function describeRefusal(method: string, url: string, reply: Reply): string {
  const body = reply.body.toString('utf8');
  const errors = decodeErrors(body);
  const namespace = reply.headers['x-vault-namespace'];
  const where = namespace && namespace !== 'root/' ? `Namespace: ${namespace}\n` : '';
  const head = `Error making API request.\n\n${where}URL: ${method} ${url}\nCode: ${reply.status}. `;
  if (errors === undefined) return `${head}Raw Message:\n\n${body}`;
  // Vault's client puts nothing between several errors.
  return `${head}Errors:\n\n${errors.map((error) => `* ${error}`).join('')}`;
}

/** The `errors` of the envelope; undefined where the body is not one, and is shown as it is. */
function decodeErrors(body: string): string[] | undefined {
  let decoded: Json;
  try {
    decoded = decodeJson(body);
  } catch {
    return undefined;
  }
  if (!(decoded instanceof Map)) return undefined;
  const errors = decoded.get('errors');
  return Array.isArray(errors) ? errors.map(display) : [];
}
