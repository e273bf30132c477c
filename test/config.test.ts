import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { CLUSTER } from '../src/config/cluster.ts';
import { TOP } from '../src/config/file.ts';
import { LISTENER } from '../src/config/listener.ts';
import { CONSUL, ETCD, STORAGE } from '../src/config/storage.ts';
import { TELEMETRY } from '../src/config/telemetry.ts';
import { ConfigError, type Environment, loadConfig } from '../src/config.ts';
import { document, rubbish } from './model/hcl/generated.ts';
import { testFolder } from './support/test-folder.ts';

const BASE = 'storage "inmem" {}\nlistener "tcp" { tls_disable = true }\n';

/** A folder with these files, gone after the tests. */
function folder(files: Record<string, string | Uint8Array>): string {
  const path = testFolder('config');
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

function load(text: string, env: Environment = {}) {
  return loadConfig([join(folder({ 'c.hcl': text }), 'c.hcl')], env);
}

/** The error for a file `c.hcl` with this text, its folder taken out. */
function refusal(text: string | Uint8Array, env: Environment = {}): string {
  const path = folder({ 'c.hcl': text });
  try {
    loadConfig([join(path, 'c.hcl')], env);
  } catch (error) {
    assert(error instanceof ConfigError, String(error));
    return error.message.replaceAll(`${path}/`, '');
  }
  return assert.fail(`accepted ${JSON.stringify(String(text))}`);
}

const FILE = 'storage "file" { path = "/d" }\nlistener "tcp" { tls_disable = true }\n';

const VAULTS_EXAMPLE = `
ui            = true
cluster_addr  = "https://127.0.0.1:8201"
api_addr      = "https://127.0.0.1:8200/"
disable_mlock = true
cluster_name  = "one"
default_lease_ttl = "10h"
max_lease_ttl = 36000
log_level = "WARN"
log_format = "json"
log_file = "/var/log/coffer.log"
pid_file = "/run/coffer.pid"

storage "file" {
  path = "/opt/vault/data"
}

listener "tcp" {
  address       = "0.0.0.0:8200"
  tls_cert_file = "/path/to/full-chain.pem"
  tls_key_file  = "/path/to/private-key.pem"
  tls_min_version = "tls13"
  tls_client_ca_file = "/path/to/ca.pem"
  tls_require_and_verify_client_cert = "true"
  max_request_size = 1048576
  max_request_duration = "30s"
  max_json_depth = 100
  http_idle_timeout = "1m"
  custom_response_headers {
    "default" = { "Strict-Transport-Security" = ["max-age=1", "preload"] }
    "4xx" { "X-Mine" = ["a"] }
  }
}

listener "tcp" {
  address = "[::1]:8300"
  tls_disable = 1
}

seal "shamir" {}
`;

test('reads a configuration as Vault documents it', () => {
  const { config } = load(VAULTS_EXAMPLE);
  const [first, second] = config.listeners;
  assert.deepEqual(first, {
    address: '0.0.0.0:8200',
    tls_cert_file: '/path/to/full-chain.pem',
    tls_key_file: '/path/to/private-key.pem',
    tls_min_version: 'tls13',
    tls_client_ca_file: '/path/to/ca.pem',
    tls_require_and_verify_client_cert: true,
    max_request_size: 1_048_576,
    max_request_duration: 30,
    max_json_depth: 100,
    http_idle_timeout: 60,
    custom_response_headers: {
      default: { 'Strict-Transport-Security': ['max-age=1', 'preload'] },
      '4xx': { 'X-Mine': ['a'] },
    },
  });
  assert.deepEqual(second, { address: '[::1]:8300', tls_disable: true });
  assert.deepEqual(config.storage, { type: 'file', folder: '/opt/vault/data' });
  assert.equal(config.apiAddress, 'https://127.0.0.1:8200');
  assert.equal(config.clusterAddress, 'https://127.0.0.1:8201');
  assert.equal(config.clusterName, 'one');
  assert.deepEqual([config.defaultLeaseTtl, config.maxLeaseTtl], [36_000, 36_000]);
  assert.deepEqual(
    [config.logLevel, config.logFormat, config.logFile],
    ['warn', 'json', '/var/log/coffer.log'],
  );
  assert.equal(config.pidFile, '/run/coffer.pid');
  assert.equal(config.ui, true);
});

const SMALLEST = `node_id = "n1"
api_addr = "http://127.0.0.1:8200"
cluster_addr = "127.0.0.1:8201"
cluster_name = "one"
cluster { secret_file = "/etc/coffer/secret" }
listener "tcp" { tls_disable = true }
storage "etcd" { address = "http://127.0.0.1:2379", path = "coffer/" }
`;

test('the smallest production file', () => {
  const { config, warnings } = load(SMALLEST);
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.storage, {
    type: 'etcd',
    endpoints: ['http://127.0.0.1:2379'],
    path: 'coffer/',
    user: undefined,
    password: undefined,
    tls: undefined,
  });
  assert.deepEqual([config.nodeId, config.clusterAddress], ['n1', '127.0.0.1:8201']);
  assert.deepEqual(config.cluster, {
    secretFile: '/etc/coffer/secret',
    single: false,
    approve: false,
    dataFolder: undefined,
    weight: 1,
    zone: '',
    protocolMax: undefined,
    partitionReads: 0,
  });
});

test('stores on the network, with all that can be said of them', () => {
  const etcd = load(
    `listener "tcp" { tls_disable = true }
storage "etcd" {
  address = "https://a:2379, https://b:2379/"
  username = "u"
  password = "p"
  tls_ca_file = "/ca"
  tls_cert_file = "/c"
  tls_key_file = "/k"
  ha_enabled = "true"
}
coordinator "consul" { address = "c:8501" scheme = "https" token = "t" path = "/x/y" }
cluster { single = true partition_reads = "allow" partition_reads_max = "10m" weight = 0.5 zone = "z" data_dir = "/d" }
`,
  );
  const tls = { caFile: '/ca', certFile: '/c', keyFile: '/k' };
  const endpoints = ['https://a:2379', 'https://b:2379'];
  const both = { type: 'etcd', endpoints, path: 'coffer/', user: 'u', password: 'p', tls };
  assert.deepEqual(etcd.config.storage, both);
  assert.deepEqual(etcd.config.coordinator, {
    type: 'consul',
    endpoints: ['https://c:8501'],
    path: '/x/y',
    token: 't',
    tls: undefined,
  });
  const { cluster } = etcd.config;
  assert.deepEqual([cluster?.single, cluster?.partitionReads, cluster?.weight], [true, 600, 0.5]);
  assert.equal(etcd.warnings.length, 1);
  assert.match(etcd.warnings[0]!, /ha_enabled has no effect/);
});

test('processes of one machine share a file, and say so by their secret', () => {
  const shared = `${FILE}cluster { secret_file = "/s" }`;
  assert.equal(load(shared).config.cluster?.secretFile, '/s');
  assert.equal(load(FILE).config.cluster, undefined);
  assert.equal(load(`${FILE}cluster { single = true }`).config.cluster, undefined);
});

test('defaults are those of Vault', () => {
  const { config, warnings } = load(BASE);
  assert.deepEqual(config, {
    listeners: [{ address: '127.0.0.1:8200', tls_disable: true }],
    storage: { type: 'inmem' },
    coordinator: undefined,
    cluster: undefined,
    nodeId: undefined,
    folder: config.folder,
    apiAddress: undefined,
    clusterAddress: undefined,
    clusterName: undefined,
    defaultLeaseTtl: 2_764_800,
    maxLeaseTtl: 2_764_800,
    maxRequestDuration: undefined,
    ui: false,
    disableMlock: true,
    logLevel: 'info',
    logFormat: 'standard',
    logFile: undefined,
    logRequestsLevel: undefined,
    telemetry: {
      prometheusRetentionTime: 86_400,
      enableHostnameLabel: false,
      metricsPrefix: 'vault',
    },
    pidFile: undefined,
    rawStorageEndpoint: false,
    introspectionEndpoint: false,
    responseHeaderHostname: false,
  });
  assert.deepEqual(warnings, []);
});

test('JSON says the same as HCL', () => {
  const json = `{
    "storage": {"file": {"path": "/data"}},
    "listener": [{"tcp": {"address": "127.0.0.1:1", "tls_disable": "true", "custom_response_headers": {"404": {"X-A": ["b"]}}}},
                 {"tcp": {"address": "127.0.0.1:2", "tls_disable": 1}}],
    "telemetry": [{"disable_hostname": true}],
    "seal": {"shamir": {}},
    "default_lease_ttl": "1h", "max_lease_ttl": 7200, "api_addr": null, "ui": false
  }`;
  const hcl = `
    storage "file" { path = "/data" }
    listener "tcp" { address = "127.0.0.1:1" tls_disable = "true" custom_response_headers { "404" = { "X-A" = ["b"] } } }
    listener "tcp" { address = "127.0.0.1:2" tls_disable = 1 }
    telemetry { disable_hostname = true }
    seal "shamir" {}
    default_lease_ttl = "1h" max_lease_ttl = 7200 ui = false`;
  const { folder: _there, ...said } = load(hcl).config;
  const { folder: _here, ...config } = load(json).config;
  assert.deepEqual(config, said);
});

test('keys and blocks are found in any case, backend is storage', () => {
  const { config } = load(
    'Backend "FILE" { Path = "/d" }\nLISTENER "TCP" { TLS_Disable = true }\nLog_Level = "debug"',
  );
  assert.deepEqual([config.storage, config.logLevel], [{ type: 'file', folder: '/d' }, 'debug']);
});

test('several files and folders: later ones count, listeners are added', () => {
  const path = folder({
    'b.hcl': 'log_level = "debug"\nlistener "tcp" { address = "127.0.0.1:2" tls_disable = true }',
    'a.json':
      '{"log_level":"trace","cluster_name":"a","storage":{"inmem":{}},"listener":{"tcp":{"address":"127.0.0.1:1","tls_disable":true}}}',
    'c.txt': 'this is no configuration',
    '.#b.hcl': 'nor is this',
    'b.hcl~': 'nor this',
  });
  mkdirSync(join(path, 'd.hcl'));
  const last = join(
    folder({ 'last.conf': 'storage "file" { path = "/x" }\nlog_format = "json"' }),
    'last.conf',
  );
  const { config } = loadConfig([path, last]);
  assert.deepEqual(
    config.listeners.map((one) => one.address),
    ['127.0.0.1:1', '127.0.0.1:2'],
  );
  assert.deepEqual(
    [config.logLevel, config.logFormat, config.clusterName, config.storage],
    ['debug', 'json', 'a', { type: 'file', folder: '/x' }],
  );
});

test('the environment stands over the files, COFFER_ over VAULT_', () => {
  const text = `${BASE}api_addr = "http://file:1"\ncluster_addr = "http://file:2"\nlog_level = "info"\nui = true\nraw_storage_endpoint = true`;
  const { config } = load(text, {
    VAULT_API_ADDR: 'https://env:1',
    VAULT_CLUSTER_ADDR: 'https://env:2',
    VAULT_LOG_LEVEL: 'trace',
    COFFER_LOG_LEVEL: 'ERR',
    VAULT_LOG_FORMAT: 'JSON',
    VAULT_UI: 'false',
    VAULT_RAW_STORAGE_ENDPOINT: '0',
    VAULT_CLUSTER_NAME: '',
  });
  assert.deepEqual(
    [
      config.apiAddress,
      config.clusterAddress,
      config.logLevel,
      config.logFormat,
      config.ui,
      config.rawStorageEndpoint,
    ],
    ['https://env:1', 'https://env:2', 'error', 'json', false, false],
  );
  assert.equal(load(text, { VAULT_API_ADDR: '' }).config.apiAddress, 'http://file:1', 'empty is not set');
  assert.equal(load(BASE, { VAULT_REDIRECT_ADDR: 'http://old:1' }).config.apiAddress, 'http://old:1');
});

test('dev mode needs neither storage nor listener', () => {
  const path = folder({ 'c.hcl': 'log_level = "debug"' });
  const { config } = loadConfig([path], {}, { dev: true });
  assert.deepEqual([config.listeners, config.storage, config.logLevel], [[], undefined, 'debug']);
});

const REFUSED: [text: string, message: string][] = [
  ['storage "inmem" {', "c.hcl:1:18: expected '}' for the '{' at 1:17"],
  ['{"ui": tru}', "c.hcl:1:8: expected a string, a number, true, false, null, '[' or '{'"],
  [
    '',
    'A storage backend must be specified: expected storage "file" { path = "…" }, "inmem" { }, "etcd" { … } or "consul" { … }',
  ],
  ['storage "inmem" {}', 'expected at least one listener "tcp" { … }'],
  [
    'listener "tcp" { tls_disable = true }\nstorage "etcd" {}',
    'storage "etcd" serves several nodes: expected cluster { secret_file = "…" } (`coffer cluster secret` makes one), or cluster { single = true }',
  ],
  [
    `${BASE}cluster { secret_file = "/s" }`,
    'c.hcl:3:1: cluster: expected a storage that nodes can share, not "inmem"',
  ],
  [
    `${FILE}cluster { secret_file = "/s" single = true }`,
    'c.hcl:3:1: cluster: expected secret_file or single, not both',
  ],
  [
    `${FILE}cluster { secret_file = "/s" }\ncoordinator "etcd" {}`,
    'coordinator: expected none or "embedded": the nodes of a storage "file" are on one machine',
  ],
  [`${FILE}cluster { weight = 0 }`, 'c.hcl:3:20: cluster: weight: expected a number from 0.01 to 100'],
  [
    'storage "etcd" { address = "127.0.0.1:2379" }',
    'c.hcl:1:28: storage "etcd": address: expected one or more addresses such as "http://127.0.0.1:2379", commas between them',
  ],
  [
    'storage "etcd" { username = "u" }',
    'c.hcl:1:1: storage "etcd": expected username and password, both or neither',
  ],
  [
    'storage "consul" { tls_cert_file = "/c" }',
    'c.hcl:1:1: storage "consul": expected tls_cert_file and tls_key_file, both or neither',
  ],
  [
    'storage "consul" { tls_skip_verify = true }',
    'c.hcl:1:20: storage "consul": tls_skip_verify: expected no tls_skip_verify: name the authority in tls_ca_file',
  ],
  [
    'storage "etcd" { path = "a b" }',
    "c.hcl:1:25: storage \"etcd\": path: expected a path of letters, digits, '-', '_' and single slashes",
  ],
  [
    `${BASE}coordinator "raft" {}`,
    'c.hcl:3:1: expected coordinator "etcd" { … }, "consul" { … } or "embedded" { path = "…" }',
  ],
  [`${BASE}node_id = "a b"`, "c.hcl:3:11: node_id: expected 1 to 128 letters, digits, '-', '_' and '.'"],
  ['storage "file" {}', 'c.hcl:1:1: storage "file": expected path, the folder for the data'],
  ['storage "file" { path = [] }', 'c.hcl:1:25: storage "file": path: expected a string, got a list'],
  [
    '\nstorage "raft" { path = "/x" }',
    'c.hcl:2:1: expected storage "file" { path = "…" }, "inmem" { }, "etcd" { … } or "consul" { … }',
  ],
  [
    'storage { path = "/x" }',
    'c.hcl:1:1: expected storage "file" { path = "…" }, "inmem" { }, "etcd" { … } or "consul" { … }',
  ],
  ['storage = "file"', "c.hcl:1:11: storage: expected a block: '{ … }', got a string"],
  ['storage "inmem" {}\nbackend "inmem" {}', 'c.hcl:2:1: only one "storage" block is permitted'],
  [
    `${BASE}seal "awskms" { kms_key_id = "hunter2" }`,
    'c.hcl:3:1: expected seal "shamir" { }: no other seal is supported yet',
  ],
  [`${BASE}hsm "pkcs11" {}`, 'c.hcl:3:1: hsm: expected no other seal than seal "shamir"'],
  [
    `${BASE}ha_storage "consul" {}`,
    'c.hcl:3:1: ha_storage: expected no ha_storage: every node uses the same storage',
  ],
  [
    `${BASE}audit "file" "x" {}`,
    'c.hcl:3:1: audit: expected no audit: audit devices are enabled through the API (sys/audit)',
  ],
  [`${BASE}ui = "maybe"`, 'c.hcl:3:6: ui: expected true or false, got a string'],
  [
    `${BASE}api_addr = "10.0.0.1:8200"`,
    'c.hcl:3:12: api_addr: expected an address such as "https://10.0.0.5:8200"',
  ],
  [
    `${BASE}api_addr = "https://{{ GetPrivateIP }}:8200"`,
    'c.hcl:3:12: api_addr: expected an address such as "https://10.0.0.5:8200"',
  ],
  [
    `${BASE}log_level = "loud"`,
    'c.hcl:3:13: log_level: expected "trace", "debug", "info", "warn" or "error"',
  ],
  [`${BASE}log_format = "xml"`, 'c.hcl:3:14: log_format: expected "standard" or "json"'],
  [
    `${BASE}default_lease_ttl = "soon"`,
    'c.hcl:3:21: default_lease_ttl: expected a duration such as "90s", "1h30m" or a number of seconds, got a string',
  ],
  [
    `${BASE}max_lease_ttl = "1h"\ndefault_lease_ttl = "2h"`,
    'c.hcl:4:1: default_lease_ttl: expected at most max_lease_ttl (3600 seconds)',
  ],
  [
    `${BASE}max_lease_ttl = "1h"`,
    'c.hcl:3:1: max_lease_ttl: expected at least default_lease_ttl (2764800 seconds where it is not set)',
  ],
  [`${BASE}cluster_name = { a = 1 }`, 'c.hcl:3:16: cluster_name: expected a string, got a block'],
  [`${BASE}cluster_name "x" {}`, 'c.hcl:3:1: cluster_name: expected no label behind it'],
  [
    `${BASE}telemetry { prometheus_retention_time = -1 }`,
    'c.hcl:3:41: telemetry: prometheus_retention_time: expected a duration such as "90s", "1h30m" or a number of seconds, not a negative one',
  ],
  [
    `${BASE}telemetry { metrics_prefix = "a b" }`,
    'c.hcl:3:30: telemetry: metrics_prefix: expected letters, digits, _ and dots',
  ],
  ['listener "unix" { address = "/s" }', 'c.hcl:1:1: expected listener "tcp" { … }'],
  ['listener { address = "127.0.0.1:1" }', 'c.hcl:1:1: expected listener "tcp" { … }'],
  ['listener "tcp" {}', 'c.hcl:1:1: listener "tcp": expected tls_cert_file, or tls_disable = true'],
  [
    'listener "tcp" { tls_cert_file = "c" }',
    'c.hcl:1:1: listener "tcp": expected tls_key_file, or tls_disable = true',
  ],
  [
    'listener "tcp" { tls_disable = true\naddress = "127.0.0.1" }',
    'c.hcl:2:11: listener "tcp": address: expected host:port such as "127.0.0.1:8200"',
  ],
  [
    'listener "tcp" { tls_disable = true\naddress = "127.0.0.1:99999" }',
    'c.hcl:2:11: listener "tcp": address: expected host:port such as "127.0.0.1:8200"',
  ],
  [
    'listener "tcp" { tls_min_version = "tls10" }',
    'c.hcl:1:36: listener "tcp": tls_min_version: expected "tls12" or "tls13"',
  ],
  [
    'listener "tcp" { tls_disable = true tls_min_version = "tls13" tls_max_version = "tls12" }',
    'c.hcl:1:63: listener "tcp": tls_max_version: expected at least tls_min_version',
  ],
  [
    'listener "tcp" { tls_disable = true tls_require_and_verify_client_cert = true tls_disable_client_certs = true }',
    'c.hcl:1:79: listener "tcp": tls_disable_client_certs: expected false, since tls_require_and_verify_client_cert is true',
  ],
  [
    'listener "tcp" { max_request_size = "1MB" }',
    'c.hcl:1:37: listener "tcp": max_request_size: expected a whole number, got a string',
  ],
  [
    'listener "tcp" { max_json_depth = 0 }',
    'c.hcl:1:35: listener "tcp": max_json_depth: expected a whole number from 1 to 2000',
  ],
  [
    'listener "tcp" { max_json_depth = 2001 }',
    'c.hcl:1:35: listener "tcp": max_json_depth: expected a whole number from 1 to 2000',
  ],
  [
    'listener "tcp" { http_read_timeout = true }',
    'c.hcl:1:38: listener "tcp": http_read_timeout: expected a duration such as "90s", "1h30m" or a number of seconds, got true or false',
  ],
  [
    'listener "tcp" { proxy_protocol_behavior = "use_always" }',
    'c.hcl:1:18: listener "tcp": proxy_protocol_behavior: the PROXY protocol is not supported; x_forwarded_for_authorized_addrs is',
  ],
  [
    'listener "tcp" { chroot_namespace = "a/" }',
    'c.hcl:1:18: listener "tcp": chroot_namespace: a listener serves all namespaces',
  ],
  [
    'listener "tcp" { redact_version = true }',
    'c.hcl:1:18: listener "tcp": redact_version: not supported yet',
  ],
  [
    'listener "tcp" { x_forwarded_for_authorized_addrs = "10.0.0.0/8,example.com" }',
    'c.hcl:1:53: listener "tcp": x_forwarded_for_authorized_addrs: expected a list of IP addresses or networks such as "10.0.0.0/8"',
  ],
  [
    'listener "tcp" { x_forwarded_for_authorized_addrs = ["10.0.0.0/33"] }',
    'c.hcl:1:53: listener "tcp": x_forwarded_for_authorized_addrs: expected a list of IP addresses or networks such as "10.0.0.0/8"',
  ],
  [
    'listener "tcp" { custom_response_headers { "600" = {} } }',
    'c.hcl:1:44: listener "tcp": custom_response_headers: expected "default", a class of statuses such as "4xx", or a status such as "404"',
  ],
  [
    'listener "tcp" { custom_response_headers { "404" = { "X-A" = "b" } } }',
    'c.hcl:1:62: listener "tcp": custom_response_headers: expected a list of header values, got a string',
  ],
  [
    'listener "tcp" { custom_response_headers { "404" = { "X A" = ["b"] } } }',
    'c.hcl:1:54: listener "tcp": custom_response_headers: expected the name of a header',
  ],
  [
    'listener "tcp" { custom_response_headers { "404" = { "X-Vault-Token" = ["b"] } } }',
    'c.hcl:1:54: listener "tcp": custom_response_headers: expected no header whose name starts with X-Vault-',
  ],
  [
    'listener "tcp" { custom_response_headers { "404" = { "X-A" = ["b\\nc"] } } }',
    'c.hcl:1:62: listener "tcp": custom_response_headers: expected header values of printable ASCII',
  ],
];

for (const [text, message] of REFUSED) {
  test(`refuses ${JSON.stringify(text.replace(BASE, '… '))}`, () => {
    assert.equal(refusal(text), message);
  });
}

test('refuses what is no file, not UTF-8, too large; wrong environment', () => {
  const path = folder({});
  assert.throws(
    () => loadConfig([join(path, 'none.hcl')]),
    /^ConfigError: cannot read .*none\.hcl: no such file or folder$/,
  );
  assert.throws(() => loadConfig([path]), /expected at least one \.hcl or \.json file in this folder$/);
  assert.throws(() => loadConfig([]), /expected a configuration file: -config=FILE$/);
  assert.equal(refusal(Uint8Array.of(0x61, 0xff)), 'c.hcl: expected UTF-8');
  assert.equal(refusal('#'.repeat(2 ** 20 + 1)), 'c.hcl: expected at most 1048576 bytes');
  const env: [Environment, string][] = [
    [
      { VAULT_API_ADDR: '10.0.0.1' },
      'environment variable VAULT_API_ADDR: expected an address such as "https://10.0.0.5:8200"',
    ],
    [{ COFFER_UI: 'maybe' }, 'environment variable COFFER_UI: expected true or false'],
    [
      { VAULT_LOG_LEVEL: 'loud' },
      'environment variable VAULT_LOG_LEVEL: expected "trace", "debug", "info", "warn" or "error"',
    ],
    [{ VAULT_LOG_FORMAT: 'xml' }, 'environment variable VAULT_LOG_FORMAT: expected "standard" or "json"'],
    [
      { VAULT_SEAL_TYPE: 'awskms' },
      'environment variable VAULT_SEAL_TYPE: expected "shamir": no other seal is supported yet',
    ],
  ];
  for (const [variables, message] of env) assert.equal(refusal(BASE, variables), message);
});

test('warns of what is unknown, does nothing, or is said twice', () => {
  const path = folder({
    'c.hcl': `${BASE}
cache_size = 5
no_such_key = 1
disable_mlock = false
log_level = "debug"
log_level = "info"
raw_storage_endpoint = true
telemetry { statsd_address = "x" usage = 1 }
listener "tcp" {
  tls_disable = true
  nonsense = 1
  chroot_namespace = ""
  x_forwarded_for_hop_skips = 1
}
storage_x "y" {}
`,
  });
  const { config, warnings } = loadConfig([path]);
  assert.deepEqual(
    warnings.map((one) => one.replaceAll(`${path}/`, '')),
    [
      'c.hcl:4:1: cache_size has no effect: caches are bounded by themselves',
      'unknown or unsupported field no_such_key found in configuration at c.hcl:5:1',
      'c.hcl:8:1: log_level is set for the second time; this one counts',
      'c.hcl:10:13: telemetry: statsd_address has no effect: metrics are not pushed; they are served at sys/metrics',
      'unknown or unsupported field telemetry: usage found in configuration at c.hcl:10:34',
      'unknown or unsupported field storage_x found in configuration at c.hcl:17:1',
      'unknown or unsupported field listener "tcp": nonsense found in configuration at c.hcl:13:3',
      'c.hcl:15:3: listener "tcp": x_forwarded_for_hop_skips has no effect: x_forwarded_for_authorized_addrs is not set',
      'c.hcl:6:1: disable_mlock = false has no effect: Node cannot lock memory; encrypt the swap, or have none',
    ],
  );
  assert.equal(config.logLevel, 'info');
});

test('reads or refuses with one sentence, whatever the text', () => {
  const path = join(folder({}), 'c.hcl');
  const key = fc.constantFrom(
    ...Object.keys(TOP),
    'listener "tcp"',
    'storage "file"',
    'storage "etcd"',
    'storage "consul"',
    'coordinator "embedded"',
    'cluster',
    'seal "shamir"',
    'listener',
    '"x"',
  );
  const tables = [LISTENER, TELEMETRY, STORAGE, ETCD, CONSUL, CLUSTER];
  const inner = fc.constantFrom(...new Set(tables.flatMap((table) => Object.keys(table))));
  const value = fc.constantFrom(
    '1',
    '"a"',
    'true',
    '[]',
    '["a"]',
    '{}',
    '{ a = 1 }',
    '-1',
    '"10s"',
    '1.5',
    '[{}]',
  );
  const line = fc
    .tuple(key, inner, value, fc.boolean())
    .map(([a, b, v, deep]) => (deep ? `${a} { ${b} = ${v} }\n` : `${a} = ${v}\n`));
  const text = fc.oneof(
    fc.array(line, { maxLength: 4 }).map((lines) => lines.join('')),
    fc.array(line, { maxLength: 4 }).map((lines) => BASE + lines.join('')),
    document.map((one) => one.text),
    rubbish,
  );
  fc.assert(
    fc.property(text, (content) => {
      writeFileSync(path, content);
      try {
        loadConfig([path]);
      } catch (error) {
        assert(error instanceof ConfigError, String((error as Error).stack));
      }
    }),
    { numRuns: 1_000 },
  );
});

test('docs/configuration.md has every key', () => {
  const docs = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');
  for (const table of [TOP, LISTENER, TELEMETRY, STORAGE, ETCD, CONSUL, CLUSTER]) {
    for (const key of Object.keys(table)) assert(docs.includes(`\`${key}\``), `${key} is not described`);
  }
});
