/**
 * Headers that every page of the web interface is sent with (contract §2.12). Obeyed by `http/roots.ts`.
 *
 * @module
 */
import { operation, type Route, type RouteContext } from '../../model/engine.ts';
import { badRequest } from '../../model/errors.ts';
import * as p from '../../model/params.ts';
import { UI_HEADER } from '../../model/settings.ts';
import type { SystemCore } from './core.ts';

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;
/** What frames a message is not to be set. */
const FRAMING = new Set([
  'Connection',
  'Content-Length',
  'Content-Type',
  'Date',
  'Location',
  'Trailer',
  'Transfer-Encoding',
]);

export function uiHeaderRoutes({ settings }: SystemCore): Record<string, Route> {
  return {
    'config/ui/headers': {
      sudo: true,
      list: operation({
        summary: 'Lists the headers of the web interface.',
        params: {},
        run: async () => ({ data: { keys: await settings.names(UI_HEADER) } }),
      }),
    },
    'config/ui/headers/:header': {
      sudo: true,
      read: operation({
        summary: 'Shows the first value of a header, or all.',
        params: { multivalue: p.bool('Show all values.', { absent: false }) },
        run: async ({ multivalue }, ctx) => {
          const values = (await settings.current(UI_HEADER + nameOf(ctx))) as string[] | undefined;
          if (!values) return {};
          return { data: multivalue ? { values } : { value: values[0]! } };
        },
      }),
      update: operation({
        summary: 'Sets a header.',
        params: {
          values: p.strings('Its values.', { absent: [] }),
          multivalue: p.bool('Of reading only.'),
        },
        run: async ({ values }, ctx) => {
          const name = nameOf(ctx);
          if (values.length === 0) throw badRequest('header and values must be specified');
          if (name.startsWith('X-Vault-')) throw badRequest('X-Vault headers cannot be set');
          if (!NAME.test(name) || FRAMING.has(name)) throw badRequest('this header cannot be set');
          if (!values.every((value) => VALUE.test(value)))
            throw badRequest('values: expected printable characters of ASCII');
          await settings.put(UI_HEADER + name, values, ctx.claims);
          const warnings =
            name === 'Content-Security-Policy'
              ? [`overriding default ${name} which is secure by default, proceed with caution`]
              : undefined;
          return { data: null, warnings };
        },
      }),
      delete: operation({
        summary: 'Removes a header.',
        params: {},
        run: async (_params, ctx) => {
          await settings.remove(UI_HEADER + nameOf(ctx), ctx.claims);
          return {};
        },
      }),
    },
  };
}

/** As Go spells it: `x-a` is `X-A`. */
function nameOf({ captures }: RouteContext): string {
  return captures.header!.toLowerCase().replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
