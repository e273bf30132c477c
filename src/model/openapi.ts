/**
 * OpenAPI 3.0.2 out of the route tables, in the form Vault gives it: GET is read or list, POST is update, extensions say what needs `sudo`
 * and what needs no token.
 *
 * @module
 */
import { type AnyOperation, type Engine, isServed, type Route } from './engine.ts';
import type { Encodable } from './json.ts';
import { apiPath, type Mount } from './mount.ts';
import type { Param, Params } from './params.ts';
import { COFFER_VERSION, VAULT_VERSION } from './version.ts';

type Members = { [key: string]: Encodable };

export interface ServedMount {
  readonly mount: Mount;
  readonly engine: Engine;
}

/** Verbs of a route in the order of the document, with their methods. */
const METHODS = [
  ['read', 'get'],
  ['update', 'post'],
  ['patch', 'patch'],
  ['delete', 'delete'],
] as const;

/** Mounts that can be nowhere else, so that a generic path says no more. */
const SINGLETONS = new Set(['sys/', 'identity/', 'cubbyhole/', 'auth/token/']);

/** The paths of these mounts. @param generic - mounts stand in the paths as a parameter, `{secret_mount_path}`. */
export function openApiOfMounts(served: readonly ServedMount[], generic: boolean): Members {
  const writer = new DocumentWriter();
  for (const { mount, engine } of served) {
    const path = apiPath(mount);
    if (generic && !SINGLETONS.has(path)) {
      const name = `${mount.path.slice(0, -1)}_mount_path`;
      const prefix = `/${mount.class === 'auth' ? 'auth/' : ''}{${name}}/`;
      writer.addEngine(engine, mount.class, prefix, {
        name,
        description: 'Path that the backend was mounted at',
        in: 'path',
        schema: { type: 'string', default: mount.path.slice(0, -1) },
        required: true,
      });
    } else writer.addEngine(engine, mount.class, `/${path}`);
  }
  return writer.document();
}

/** The paths of an engine, or one of them, relative to its mount. */
export function openApiOfEngine(engine: Engine, pattern?: string): Members {
  const writer = new DocumentWriter();
  if (pattern === undefined) writer.addEngine(engine, 'secret', '/');
  else writer.addRoute(engine, 'secret', '/', pattern, engine.routes[pattern]!);
  return writer.document();
}

class DocumentWriter {
  readonly #paths = new Map<string, Encodable>();
  readonly #schemas = new Map<string, Encodable>();
  readonly #operationIds = new Set<string>();

  addEngine(engine: Engine, mountClass: Mount['class'], prefix: string, mountParameter?: Members): void {
    for (const [pattern, route] of Object.entries(engine.routes)) {
      if (!isServed(route)) continue;
      this.addRoute(engine, mountClass, prefix, pattern, route, mountParameter);
    }
  }

  addRoute(
    engine: Engine,
    mountClass: Mount['class'],
    prefix: string,
    pattern: string,
    route: Route,
    mountParameter?: Members,
  ): void {
    const captured = capturesOf(pattern);
    const parameters: Encodable[] = captured.map((name) => ({
      name,
      in: 'path',
      schema: { type: 'string' },
      required: true,
    }));
    if (mountParameter) parameters.push(mountParameter);
    const tag = engine.type === 'system' ? 'system' : mountClass === 'auth' ? 'auth' : 'secrets';
    const item: Record<string, Encodable> = {
      parameters: parameters.length > 0 ? parameters : undefined,
      'x-vault-sudo': route.sudo,
      'x-vault-unauthenticated': route.open === true ? true : undefined,
      'x-vault-createSupported': createsToo(route.update) ? true : undefined,
    };
    for (const [verb, method] of METHODS) {
      const operation = verb === 'read' ? (route.read ?? route.list) : route[verb];
      if (!operation) continue;
      const listing = verb === 'read' && route.list !== undefined;
      item[method] = {
        summary: operation.summary,
        operationId: this.#operationId(engine, listing && !route.read ? 'list' : verb, pattern),
        tags: [tag],
        ...(method === 'get' || method === 'delete'
          ? { parameters: queryOf(operation, captured, listing ? (route.read ? 'may' : 'must') : 'never') }
          : { requestBody: this.#bodyOf(engine, verb, pattern, operation, captured) }),
        responses: { 200: { description: 'OK' } },
      };
    }
    const path = prefix + pattern.replace(/:(\w+)[*+]?/g, '{$1}');
    this.#paths.set(path, { ...(this.#paths.get(path) as Members | undefined), ...item });
  }

  document(): Members {
    return {
      openapi: '3.0.2',
      info: {
        title: 'Coffer API',
        description: "Coffer's HTTP API, which is Vault's. All API routes are prefixed with `/v1/`.",
        version: VAULT_VERSION,
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
        'x-coffer-version': COFFER_VERSION,
      },
      paths: new Map([...this.#paths].sort(([a], [b]) => (a < b ? -1 : 1))),
      components: { schemas: new Map([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1))) },
    };
  }

  #operationId(engine: Engine, verb: string, pattern: string): string {
    const base = [engine.type, verb, ...wordsOf(pattern)].join('-');
    let id = base;
    for (let n = 2; this.#operationIds.has(id); n++) id = `${base}-${n}`;
    this.#operationIds.add(id);
    return id;
  }

  #bodyOf(
    engine: Engine,
    verb: string,
    pattern: string,
    operation: AnyOperation,
    captured: readonly string[],
  ): Encodable {
    const fields = Object.entries(operation.params as Params).filter(([name]) => !captured.includes(name));
    if (fields.length === 0) return undefined;
    const name = [engine.type, verb, ...wordsOf(pattern), 'request'].map(capitalized).join('');
    const required = fields.filter(([, param]) => param.required).map(([field]) => field);
    this.#schemas.set(name, {
      type: 'object',
      properties: new Map(fields.map(([field, param]) => [field, schemaOf(param)])),
      required: required.length > 0 ? required : undefined,
    });
    return {
      required: true,
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
    };
  }
}

function capturesOf(pattern: string): string[] {
  return [...pattern.matchAll(/:(\w+)/g)].map((match) => match[1]!);
}

function createsToo(operation: AnyOperation | undefined): boolean {
  return operation?.existence !== undefined;
}

function queryOf(
  operation: AnyOperation,
  captured: readonly string[],
  list: 'never' | 'may' | 'must',
): Encodable {
  const parameters: Encodable[] = Object.entries(operation.params as Params)
    .filter(([name]) => !captured.includes(name))
    .map(([name, param]) => ({
      name,
      in: 'query',
      description: param.description,
      schema: { type: param.type === 'object' ? 'string' : param.type, ...itemsOf(param) },
    }));
  if (list !== 'never') {
    parameters.push({
      name: 'list',
      in: 'query',
      description: list === 'must' ? 'Must be set to `true`' : 'Return a list if `true`',
      schema: { type: 'string', enum: list === 'must' ? ['true'] : undefined },
      required: list === 'must' ? true : undefined,
    });
  }
  return parameters.length > 0 ? parameters : undefined;
}

function schemaOf(param: Param<unknown>): Encodable {
  const { type, description, format, absent } = param;
  const isScalar = typeof absent === 'boolean' || typeof absent === 'number' || typeof absent === 'string';
  return {
    type,
    description,
    format,
    default: isScalar && absent !== '' ? absent : undefined,
    ...itemsOf(param),
  };
}

function itemsOf({ type }: Param<unknown>): Members {
  return type === 'array' ? { items: { type: 'string' } } : {};
}

function wordsOf(pattern: string): string[] {
  return pattern.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
