/**
 * The differences between OpenBao and Coffer that are meant, each with its reason. `npm run diff-bao` fails for a difference that is not
 * here, and for an entry here that no longer applies.
 *
 * @module
 */

import { APPROLE } from './expectations-approle.ts';
import { NAMESPACES } from './expectations-namespaces.ts';

export interface Expectation {
  /** Matched against `askText`: `METHOD path token body headers` as the sequences write them, what is not given left out. */
  asks: RegExp;
  /** Matched against where the difference is: `status`, `header x`, `body`, `key order` or a JSON pointer. */
  where: RegExp;
  /** The value of bao and of ours it covers, as JSON (`absent` where there is none); any where not given. */
  bao?: RegExp;
  ours?: RegExp;
  reason: string;
}

export type Covered = Omit<Expectation, 'reason'>;

const ANY = /./;
const FIRST_ERROR = /^\/errors\/0$/;
const STATUS = /^(status|body)$/;
const REDIRECT = /^(status|body|header content-type|header location)$/;
const UNSUPPORTED = /^404$|unsupported path/;

/** Vault 1.19 says it so, and OpenBao otherwise. */
const VAULT: Record<string, Covered[]> = {
  "Vault's envelope names the type of the mount": [{ asks: ANY, where: /^\/mount_type$/, bao: /^absent$/ }],
  'Vault names its own command line and server in warnings': [
    { asks: ANY, where: /^\/warnings\/0$/, bao: /^"Invalid path for a versioned K\/V/ },
    { asks: /^POST sys\/remount /, where: /^\/warnings\/0$/, bao: /OpenBao's server log/ },
  ],
  "Vault's words for JSON that cannot be parsed; what comes after them is ours": [
    {
      asks: ANY,
      where: FIRST_ERROR,
      bao: /^"failed to decode JSON input: /,
      ours: /^"failed to parse JSON input: /,
    },
  ],
  'Vault still serves the paths that leases had of old': [
    { asks: /^PUT sys\/(renew|revoke|revoke-prefix|revoke-force)(\/| )/, where: STATUS, bao: UNSUPPORTED },
    // Ended by such a path, here.
    { asks: /^POST auth\/token\/lookup .*"\{c\}"/, where: STATUS },
  ],
  'Vault 1.19 has some request headers in audit logs from the start': [
    {
      asks: /^GET sys\/config\/auditing\/request-headers( |$)/,
      where: /^(\/data)?\/headers\/(x-)?(correlation-id|user-agent)$/,
      bao: /^absent$/,
    },
  ],
  'Vault takes numbers of any size in JSON, and KV v1 keeps their text': [
    { asks: / d-kv1\/numbers/, where: STATUS },
  ],
  'Vault 1.17 and later say two errors of a token they do not know': [
    {
      asks: ANY,
      where: FIRST_ERROR,
      bao: /^"permission denied"$/,
      ours: /permission denied\\n\\t\* invalid token/,
    },
  ],
  "Vault's version and builds; coffer_version beside it": [
    { asks: / sys\/(health|seal-status|unseal)/, where: /^\/(version|coffer_version|build_date)$/ },
    { asks: ANY, where: /\/running_plugin_version$/, ours: /\+builtin\.vault"$/ },
    { asks: /openapi|help=1|^HELP /, where: /x-coffer-version$/ },
  ],
  "Vault's health and leader have more fields": [
    {
      asks: / sys\/health/,
      where:
        /^\/(performance_standby|enterprise|echo_duration_ms|clock_skew_ms|replication_primary_canary_age_ms)$/,
      bao: /^absent$/,
    },
    {
      asks: / sys\/leader/,
      where:
        /^\/(is_self|active_time|leader_(cluster_)?address|performance_standby|performance_standby_last_remote_wal)$/,
      bao: /^absent$/,
    },
    { asks: / sys\/(seal-status|unseal)/, where: /^key order$/ },
  ],
  'OpenBao gives policies versions, Vault does not': [
    {
      asks: / sys\/(policy|policies\/acl)\//,
      where: /^(\/data)?\/(version|cas_required|modified|allow_(slashes|wildcards)_in_identity_templates)$/,
      ours: /^absent$/,
    },
    { asks: /^PATCH sys\/policies\/acl/, where: STATUS },
  ],
  "Vault's default policy allows two paths more": [
    {
      asks: /resultant-acl/,
      where: /^\/data\/exact_paths\/sys~1(control-group~1request|renew)$/,
      bao: /^absent$/,
    },
  ],
  '`generic` is another name of KV version 1': [
    {
      asks: / sys\/(internal\/ui\/)?mounts/,
      where: /(d-m4~1|^|^\/data)\/(accessor|type|options\/version|deprecation_status)$/,
      ours: /^"(kv_<accessor>|kv|1|supported)"$/,
    },
  ],
};

/** OpenBao and Vault answer alike, Coffer refuses what they let pass. */
const STRICTER: Record<string, Covered[]> = {
  'a path has one spelling: no redirects to another, no empty, `.` and `..` segments': [
    {
      asks: / \S+(\/\/|\/\.\.?(\/|$))\S*$| \/v1\/\//,
      where: REDIRECT,
      bao: /^307$|Redirect|text\/html|^"\/v1\//,
    },
    { asks: /^GET sys$/, where: REDIRECT },
    { asks: /%2E\/a$/, where: FIRST_ERROR },
  ],
  'a path that is not UTF-8, holds bad escapes or control characters, or is longer than its bound is 400, with a sentence':
    [{ asks: /\/sp\/%|\/x{4000}/, where: /^(status|body|header content-type|header cache-control)$/ }],
  'a query that cannot be parsed is 400, not half of it ignored': [
    { asks: /\?version=(%zz|1;list=true)$/, where: STATUS },
  ],
  'JSON may be 500 deep': [
    {
      asks: /^POST secret\/data\/b \{"data":\{"v":\[\[/,
      where: STATUS,
      ours: /^400$|nested deeper than 500/,
    },
    { asks: / secret\/data\/b( |$)/, where: /^\/data(\/metadata)?\/version$/ },
  ],
  'a value that is no object, or no list, is refused where one is wanted': [
    { asks: /^PATCH d-kv2\/data\/p \{"data":(null|\{"a":"x"\})\}/, where: STATUS },
    { asks: /^GET d-kv2\/data\/p$/, where: /^\/data\/data$/ },
    { asks: /^POST auth\/token\/create \{"policies":(\{\}|"default","ttl":true)/, where: STATUS },
    { asks: /^POST secret\/metadata\/types \{"custom_metadata":\[/, where: STATUS },
  ],
  'a policy in JSON that ends too early is refused': [
    { asks: /^PUT sys\/policies\/acl\/bad \{"policy":"\{\\"path\\":"\}$/, where: STATUS },
  ],
};

/** Coffer says more, or says it in its own words. */
const OURS: Record<string, Covered[]> = {
  'a lease ends with what it is of: nothing is left to be tidied, and it says so': [
    { asks: /^POST sys\/leases\/tidy /, where: /^\/warnings\/0$/ },
  ],
  'a bad number is a bad request': [
    { asks: /^GET sys\/leases\?.*limit=x/, where: STATUS, bao: /^500$|invalid 'limit'/ },
  ],
  'what is wrong with a value is said in our own words, and never with the value': [
    {
      asks: ANY,
      where: FIRST_ERROR,
      bao: /error converting input for field/,
      ours: /^"(Field validation failed: )?error converting input for field \\".*\\": /,
    },
    {
      asks: /^POST auth\/token\/create \{/,
      where: FIRST_ERROR,
      bao: /^"time: (invalid duration|unknown unit)/,
      ours: /error converting input for field/,
    },
    { asks: / d-kv2\/metadata\/m /, where: FIRST_ERROR, bao: /^"custom_metadata validation failed/ },
    {
      asks: /^PUT sys\/policies\/acl\//,
      where: FIRST_ERROR,
      bao: /^"failed to parse policy: /,
      ours: /^"failed to parse policy: /,
    },
    { asks: / sys\/(mounts|auth)\//, where: FIRST_ERROR, bao: /^"plugin not found in the catalog: / },
    {
      asks: / sys\/mounts\/d-(bad|t\/tune) /,
      where: FIRST_ERROR,
      ours: /^"(unable to parse |invalid listing_visibility: |invalid version )/,
    },
    { asks: /^PUT sys\/audit\//, where: FIRST_ERROR },
    { asks: / \{"x-vault-wrap-ttl":"x"\}$/, where: FIRST_ERROR },
    { asks: /^POST secret\/data\/b x+$/, where: /^(\/errors\/0|header cache-control)$/ },
    {
      asks: / auth\/token\/(lookup|renew|revoke)-accessor /,
      where: FIRST_ERROR,
      bao: /^"1 error occurred:.*(missing|invalid) accessor/,
    },
    { asks: / \/robots\.txt /, where: /^(body|header vary)$/ },
    { asks: /^POST auth\/token\/create \{"id":"s\.mine"/, where: FIRST_ERROR },
  ],
  'a TTL below a second is a second': [
    {
      asks: /^POST auth\/token\/create \{"policies":"default","ttl":"500ms"\}$/,
      where: /^\/auth\/lease_duration$/,
    },
  ],
  'an upgrade names the versions it is from and to; OpenBao says 0 twice': [
    { asks: /^POST sys\/mounts\/d-t\/tune \{"options":\{"version":"2"\}\}/, where: /^\/warnings\/0$/ },
  ],
  'what waited at cubbyhole/response is an envelope of ours; that it is outdated is said in our own words': [
    { asks: /^GET cubbyhole\/response /, where: /^\/(data\/response|warnings\/0)$/ },
  ],
  'help describes our own tables; its frame is the same': [
    { asks: /help=1( |$)|^HELP /, where: /^\/openapi\// },
  ],
  'every list takes after and limit, not only those of OpenBao': [{ asks: /^LIST .*[?&]after=/, where: ANY }],
  'a mistake of the client is 400 where OpenBao answers 500': [
    { asks: / cubbyhole\/a? \{mine\}( \{\})?$/, where: STATUS, bao: /^500$|missing (data fields|path)/ },
    { asks: /^POST sys\/capabilities \{"paths"/, where: STATUS, bao: /^500$|no token found/ },
  ],
  'a path of KV v2 that leads nowhere says so, with the same words everywhere': [
    {
      asks: /^(GET|LIST) d-kv2\/data\/(w\/)?$/,
      where:
        /^(status|body|\/(errors|request_id|lease_id|renewable|lease_duration|data|wrap_info|warnings|auth))$/,
    },
  ],
  'numbers in custom_metadata become text by PATCH as by POST; OpenBao answers 500': [
    { asks: /^PATCH d-kv2\/metadata\/m \{"custom_metadata":\{"a":1\}\}/, where: STATUS },
    { asks: /^GET d-kv2\/metadata\/m$/, where: /^\/data\/(current_metadata_version|custom_metadata\/a)$/ },
  ],
  'numbers other than 0 are true, and durations may have fractions': [
    { asks: /^POST secret\/metadata\/types \{"cas_required":2\}$/, where: STATUS },
    { asks: /^POST auth\/token\/create \{"policies":"default","ttl":1\.9\}$/, where: STATUS },
  ],
  'a number allowed by a policy is allowed': [
    { asks: /^POST d-acl\/types \{limited\} \{"n":1\}$/, where: STATUS },
  ],
  'tokens with a chosen id rest like all others, so there is nothing to warn of': [
    { asks: /^POST auth\/token\/create \{"id"/, where: /^\/warnings$/, bao: /uses the weaker SHA1 hashing/ },
  ],
  'a token shows the limits that its role gives it': [
    {
      asks: /^POST auth\/token\/lookup \{"token":"\{byRole\}"\}$/,
      where: /^\/data\/(explicit_max_ttl|period)$/,
    },
  ],
  'what was sent is not repeated in a refusal': [
    { asks: /^POST sys\/remount /, where: /^\/errors\/0$/ },
    { asks: /^POST auth\/token\/roles\/bad \{"token_(type|bound_cidrs)"/, where: /^\/errors\/0$/ },
  ],
  'where nothing can be listed, LIST is 405': [
    { asks: /^LIST sys\/(mounts|auth|key-status)$/, where: STATUS },
  ],
  'OPTIONS is 405 where CORS is off': [{ asks: /^OPTIONS /, where: STATUS }],
  'host-info has what Node can tell': [
    { asks: / sys\/host-info$/, where: /^\/data\/(host|memory)\//, ours: /^absent$/ },
  ],
  'the history has the version that is spoken, and when it was built, as in Vault': [
    { asks: /^LIST sys\/version-history$/, where: /^\/data\/key_info\// },
  ],
  'the sanitized configuration has what a Vault 1.19 has that Coffer knows': [
    {
      asks: / sys\/config\/state\/sanitized$/,
      where: /^\/data\/(allow_|disable_|imprecise_|telemetry\/|unsafe_|experiments$)/,
    },
  ],
  'quotas name the exempt paths of all namespaces too, as in Vault': [
    { asks: / sys\/quotas\/config$/, where: /^\/data\/absolute_rate_limit_exempt_paths$/ },
  ],
  'X-Vault-Index is Vault Enterprise; it is ignored': [
    { asks: / \{"x-vault-request":"true",.*"x-vault-index"/, where: STATUS },
  ],
  'what is named as a folder is no object: its deletion is refused, where nothing would be deleted': [
    { asks: /^DELETE d-kv1\/l\/a\/$/, where: STATUS, ours: /^400$|ending in/ },
  ],
  'a key that is too long is not repeated': [
    {
      asks: /^POST d-kv2\/metadata\/m \{"custom_metadata":/,
      where: FIRST_ERROR,
      ours: /: length of key is 129 but/,
    },
  ],
};

/** What is not served yet answers 404 or a sentence, never success. */
const NOT_YET: Record<string, Covered[]> = {
  'identity is not served yet': [
    { asks: / sys\/(internal\/ui\/)?mounts( |$)/, where: /\/identity~1$/, ours: /^absent$/ },
  ],
};

export const EXPECTATIONS: readonly Expectation[] = [
  VAULT,
  STRICTER,
  OURS,
  NOT_YET,
  APPROLE,
  NAMESPACES,
].flatMap((table) =>
  Object.entries(table).flatMap(([reason, covered]) => covered.map((each) => ({ ...each, reason }))),
);
