/**
 * `storage "…" { … }` and `coordinator "…" { … }`: where the data lies, and who says which nodes are alive.
 *
 * @module
 */
import type { Block } from '../model/hcl.ts';
import { ConfigError, type Fields, placeOf, readFields, type Scope, unused, type Values } from './fields.ts';
import { text, textThat } from './values.ts';

/** How a store on the network is reached. Durations are the client's own. */
export interface RemoteStore {
  /** `http://host:port` or `https://host:port`, at least one. */
  readonly endpoints: readonly string[];
  /** What all keys begin with; ends in `/`. */
  readonly path: string;
  readonly tls: StoreTlsFiles | undefined;
}

/** Paths of PEM files. */
export interface StoreTlsFiles {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

export interface EtcdStore extends RemoteStore {
  readonly type: 'etcd';
  /** Both or neither. */
  readonly user: string | undefined;
  readonly password: string | undefined;
}

export interface ConsulStore extends RemoteStore {
  readonly type: 'consul';
  /** An ACL token. */
  readonly token: string | undefined;
}

export type StorageConfig =
  | { readonly type: 'file'; readonly folder: string }
  | { readonly type: 'inmem'; readonly folder?: undefined }
  | EtcdStore
  | ConsulStore;

export type CoordinatorConfig =
  | EtcdStore
  | ConsulStore
  /** Processes of one machine that share a folder. */
  | { readonly type: 'embedded'; readonly folder: string };

const STORAGE_TYPES = 'storage "file" { path = "…" }, "inmem" { }, "etcd" { … } or "consul" { … }';
const PATH_DEFAULT = 'coffer/';

export const STORAGE = { path: text } as const;

const endpoint = (one: string): boolean => {
  const url = URL.canParse(one) ? new URL(one) : undefined;
  return /^https?:$/.test(url?.protocol ?? '') && url!.pathname === '/' && url!.search === '';
};
const endpoints = textThat(
  (found) => found.split(',').every((one) => endpoint(one.trim())),
  'one or more addresses such as "http://127.0.0.1:2379", commas between them',
);
const consulAddress = textThat(
  (found) => endpoint(found) || /^[^/\s]+:\d+$/.test(found),
  'an address such as "127.0.0.1:8500" or "https://consul:8501"',
);
const storePath = textThat(
  (found) => /^\/?[\w-]+(\/[\w-]+)*\/?$/.test(found),
  "a path of letters, digits, '-', '_' and single slashes",
);

const TLS = { tls_ca_file: text, tls_cert_file: text, tls_key_file: text } as const;
const ownLocks = unused('nodes keep no locks and no sessions there: they time each other');

export const ETCD = {
  address: endpoints,
  path: storePath,
  username: text,
  password: text,
  ...TLS,
  etcd_api: unused('etcd is spoken to in its version 3'),
  sync: unused('the addresses are used as they are written'),
  ha_enabled: unused('every node serves everything'),
  lock_timeout: ownLocks,
  request_timeout: unused('a call has its own time'),
  disable_clustering: unused('it is `cluster { single = true }`'),
} as const satisfies Fields;

export const CONSUL = {
  address: consulAddress,
  scheme: textThat((found) => /^https?$/.test(found), '"http" or "https"'),
  path: storePath,
  token: text,
  ...TLS,
  tls_skip_verify: {
    kind: 'refused',
    why: 'expected no tls_skip_verify: name the authority in tls_ca_file',
    falseIsFine: true,
  },
  consistency_mode: unused('reads are always consistent'),
  max_parallel: unused('it is bounded by itself'),
  session_ttl: ownLocks,
  lock_wait_time: ownLocks,
  disable_registration: unused('nothing is registered with Consul'),
  service: unused('nothing is registered with Consul'),
  service_tags: unused('nothing is registered with Consul'),
  service_address: unused('nothing is registered with Consul'),
  check_timeout: unused('nothing is registered with Consul'),
  tls_min_version: unused('TLS 1.2 and above are spoken'),
} as const satisfies Fields;

/** @throws ConfigError */
export function readStorage(one: Block, scope: Scope): StorageConfig {
  const type = labelOf(one);
  const place = placeOf(scope, one.item.keys[0]?.position ?? one.body.position);
  if (type === 'etcd' || type === 'consul') return readRemote(type, 'storage', one, scope, place);
  if (type !== 'file' && type !== 'inmem') throw new ConfigError(`${place}: expected ${STORAGE_TYPES}`);
  const inside = `storage "${type}": `;
  const { path } = readFields(STORAGE, one.body.items, { ...scope, inside }).values;
  if (type === 'inmem') return { type };
  if (path === undefined || path === '')
    throw new ConfigError(`${place}: ${inside}expected path, the folder for the data`);
  return { type, folder: path };
}

/** @throws ConfigError */
export function readCoordinator(one: Block, scope: Scope): CoordinatorConfig {
  const type = labelOf(one);
  const place = placeOf(scope, one.item.keys[0]?.position ?? one.body.position);
  if (type === 'etcd' || type === 'consul') return readRemote(type, 'coordinator', one, scope, place);
  if (type !== 'embedded')
    throw new ConfigError(
      `${place}: expected coordinator "etcd" { … }, "consul" { … } or "embedded" { path = "…" }`,
    );
  const inside = 'coordinator "embedded": ';
  const { path } = readFields(STORAGE, one.body.items, { ...scope, inside }).values;
  if (!path) throw new ConfigError(`${place}: ${inside}expected path, a folder of this machine`);
  return { type, folder: path };
}

function labelOf(one: Block): string | undefined {
  return one.labels.length === 1 ? one.labels[0]?.toLowerCase() : undefined;
}

function readRemote(
  type: 'etcd' | 'consul',
  what: string,
  one: Block,
  scope: Scope,
  place: string,
): EtcdStore | ConsulStore {
  const inside = `${what} "${type}": `;
  const within = { ...scope, inside };
  if (type === 'etcd') {
    const { values } = readFields(ETCD, one.body.items, within);
    if ((values.username === undefined) !== (values.password === undefined))
      throw new ConfigError(`${place}: ${inside}expected username and password, both or neither`);
    return {
      type,
      endpoints: (values.address ?? 'http://127.0.0.1:2379').split(',').map((each) => bare(each)),
      path: values.path ?? PATH_DEFAULT,
      user: values.username,
      password: values.password,
      tls: tlsOf(values, place, inside),
    };
  }
  const { values } = readFields(CONSUL, one.body.items, within);
  const address = values.address ?? '127.0.0.1:8500';
  return {
    type,
    endpoints: [bare(address.includes('://') ? address : `${values.scheme ?? 'http'}://${address}`)],
    path: values.path ?? PATH_DEFAULT,
    token: values.token || undefined,
    tls: tlsOf(values, place, inside),
  };
}

const bare = (address: string): string => address.trim().replace(/\/+$/, '');

function tlsOf(values: Values<typeof TLS>, place: string, inside: string): StoreTlsFiles | undefined {
  const { tls_ca_file: caFile, tls_cert_file: certFile, tls_key_file: keyFile } = values;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ConfigError(`${place}: ${inside}expected tls_cert_file and tls_key_file, both or neither`);
  return caFile || certFile ? { caFile, certFile, keyFile } : undefined;
}
