/**
 * What is served outside `/v1/`, without the pipeline.
 *
 * @module
 */
import type { Encoded } from './envelope.ts';

const HTML = 'text/html; charset=utf-8';
const TEXT = 'text/plain; charset=utf-8';
const TO_UI: Encoded = {
  status: 307,
  contentType: HTML,
  body: '<a href="/ui/">Temporary Redirect</a>.\n\n',
  headers: ['Location', '/ui/'],
};
const NO_UI: Encoded = {
  status: 404,
  contentType: TEXT,
  body: 'This build has no web interface. The command line is: coffer -help\n',
};
const ROBOTS: Encoded = { status: 200, contentType: TEXT, body: 'User-agent: *\nDisallow: /\n' };
/** Go's words: Vault leaves these paths to it where it has no interface to show. */
const SWITCHED_OFF: Encoded = {
  status: 404,
  contentType: TEXT,
  body: '404 page not found\n',
};
const NOTHING: Encoded = { status: 404, contentType: 'application/json', body: '{"errors":[]}\n' };

/**
 * @param path - decoded.
 * @param ui - whether a web interface is asked for.
 * @param uiHeaders - name, value, name, value … that its pages carry.
 */
export function rootReply(
  method: string,
  path: string,
  ui: boolean,
  uiHeaders: readonly string[] = [],
): Encoded {
  const isUi = path === '/' || path === '/robots.txt' || path === '/ui' || path.startsWith('/ui/');
  if (isUi && !ui) return SWITCHED_OFF;
  if (method !== 'GET' && method !== 'HEAD') return NOTHING;
  if (path === '/') return TO_UI;
  if (path === '/robots.txt') return ROBOTS;
  return isUi ? { ...NO_UI, headers: uiHeaders } : NOTHING;
}
