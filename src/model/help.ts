/**
 * What `vault path-help` shows, out of the route tables.
 *
 * @module
 */
import { type AnyOperation, type Engine, isServed, type Route } from './engine.ts';
import type { Encodable } from './json.ts';
import { openApiOfEngine } from './openapi.ts';
import type { Param, Params } from './params.ts';

const VERBS = ['read', 'list', 'update', 'patch', 'delete'] as const;

/** Help on an engine as a whole. */
export function helpOfEngine(engine: Engine): Encodable {
  const served = Object.entries(engine.routes).filter(([, route]) => isServed(route));
  const paths = served.map(([pattern, route]) => `    ${pattern}\n        ${summariesOf(route).join(' ')}`);
  return {
    help:
      `## DESCRIPTION\n\n${engine.description}\n\n## PATHS\n\n` +
      'These are the paths of this backend. For help on one of them, ask for help on a path that matches it. What the policies of ' +
      `your token allow may be less.\n\n${paths.join('\n\n')}`,
    openapi: openApiOfEngine(engine),
    see_also: null,
  };
}

/** Help on one route. @param path - the request's, relative to the mount. */
export function helpOfRoute(engine: Engine, pattern: string, path: string): Encodable {
  const route = engine.routes[pattern]!;
  const verbs = VERBS.filter((verb) => route[verb]).map((verb) => `    ${verb}: ${route[verb]!.summary}`);
  const params = new Map<string, Param<unknown>>();
  for (const operation of operationsOf(route)) {
    for (const [name, param] of Object.entries(operation.params as Params)) params.set(name, param);
  }
  const described = [...params]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, { type, format, description }]) => `    ${name} (${format ?? type})\n        ${description}`,
    );
  const sections = [
    `Request:        ${path}\nMatching Route: ${pattern}`,
    `## DESCRIPTION\n\n${verbs.join('\n')}`,
    ...(route.sudo ? ['Needs the capability "sudo" as well.'] : []),
    ...(described.length > 0 ? [`## PARAMETERS\n\n${described.join('\n\n')}`] : []),
  ];
  return { help: sections.join('\n\n'), openapi: openApiOfEngine(engine, pattern), see_also: null };
}

function operationsOf(route: Route): AnyOperation[] {
  return VERBS.map((verb) => route[verb]).filter((operation) => operation !== undefined);
}

function summariesOf(route: Route): string[] {
  return [...new Set(operationsOf(route).map((operation) => operation.summary))];
}
