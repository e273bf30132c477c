/**
 * What the catalog says of how every listener answers, as it is in force.
 *
 * @module
 */
import type { Catalog } from './cluster/catalog.ts';
import type { HttpServerParts } from './http/server.ts';
import { CORS, type CorsSetting, UI_HEADER } from './model/settings.ts';

export function httpSettings(
  catalog: Pick<Catalog, 'entries'>,
): Required<Pick<HttpServerParts, 'cors' | 'uiHeaders'>> {
  return {
    cors: () => catalog.entries('settings').get(CORS) as CorsSetting | undefined,
    uiHeaders() {
      const headers: string[] = [];
      for (const [key, values] of catalog.entries('settings')) {
        if (!key.startsWith(UI_HEADER)) continue;
        for (const value of values as string[]) headers.push(key.slice(UI_HEADER.length), value);
      }
      return headers;
    },
  };
}
