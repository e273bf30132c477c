/**
 * Every command by name. Each is loaded only when it is run: most of a command's time goes into starting.
 *
 * @module
 */
import type { Command } from './command.ts';

interface Entry {
  readonly synopsis: string;
  /** Absent for a group of subcommands, and for `server`, which is no client command. */
  readonly load?: () => Promise<Command>;
}

// biome-ignore lint/suspicious/noExplicitAny: commands differ in their flags; nobody reads those through the table.
type Module = Record<string, any>;
const from = (loading: Promise<Module>, name: string): Promise<Command> =>
  loading.then((module) => module[name] as Command);

/** In order of name. `audit list` is a subcommand of `audit`. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  audit: { synopsis: 'Work with audit devices' },
  'audit disable': {
    synopsis: 'Disables an audit device',
    load: () => from(import('./commands/audit.ts'), 'auditDisable'),
  },
  'audit enable': {
    synopsis: 'Enables an audit device',
    load: () => from(import('./commands/audit.ts'), 'auditEnable'),
  },
  'audit list': {
    synopsis: 'Lists enabled audit devices',
    load: () => from(import('./commands/audit.ts'), 'auditList'),
  },
  'audit search': {
    synopsis: 'Looks for entries in audit logs',
    load: () => from(import('./commands/audit-search.ts'), 'auditSearch'),
  },
  'audit verify': {
    synopsis: 'Checks that audit logs are as they were written',
    load: () => from(import('./commands/audit-verify.ts'), 'auditVerify'),
  },
  auth: { synopsis: 'Work with auth methods' },
  'auth disable': {
    synopsis: 'Disables an auth method',
    load: () => from(import('./commands/mount-change.ts'), 'authDisable'),
  },
  'auth enable': {
    synopsis: 'Enables an auth method',
    load: () => from(import('./commands/mount-enable.ts'), 'authEnable'),
  },
  'auth help': {
    synopsis: 'Explains how to log in with an auth method',
    load: () => from(import('./commands/auth-help.ts'), 'authHelp'),
  },
  'auth list': {
    synopsis: 'Lists enabled auth methods',
    load: () => from(import('./commands/mount-list.ts'), 'authList'),
  },
  'auth move': {
    synopsis: 'Moves an auth method to another path',
    load: () => from(import('./commands/mount-change.ts'), 'authMove'),
  },
  'auth tune': {
    synopsis: 'Changes the settings of an auth method',
    load: () => from(import('./commands/mount-tune.ts'), 'authTune'),
  },
  cluster: { synopsis: 'Work with the nodes of a cluster' },
  'cluster approve': {
    synopsis: 'Admits a new node',
    load: () => from(import('./commands/cluster-change.ts'), 'clusterApprove'),
  },
  'cluster demo': {
    synopsis: 'Starts a cluster on this machine for a first look',
    load: () => from(import('./commands/cluster-demo.ts'), 'clusterDemo'),
  },
  'cluster drain': {
    synopsis: 'Has a node leave in peace',
    load: () => from(import('./commands/cluster-change.ts'), 'clusterDrain'),
  },
  'cluster identities': {
    synopsis: 'Lists who is admitted, removed, or waits',
    load: () => from(import('./commands/cluster-change.ts'), 'clusterIdentities'),
  },
  'cluster remove': {
    synopsis: 'Removes a node for good',
    load: () => from(import('./commands/cluster-change.ts'), 'clusterRemove'),
  },
  'cluster secret': {
    synopsis: 'Makes a cluster secret',
    load: () => from(import('./commands/cluster-change.ts'), 'clusterSecret'),
  },
  'cluster secret rotate': {
    synopsis: 'Renews the secret of a cluster',
    load: () => from(import('./commands/cluster-change.ts'), 'clusterSecretRotate'),
  },
  'cluster status': {
    synopsis: 'Shows the nodes and what they own',
    load: () => from(import('./commands/cluster.ts'), 'clusterStatus'),
  },
  'cluster trace': {
    synopsis: "Shows a request's way through the nodes",
    load: () => from(import('./commands/cluster.ts'), 'clusterTrace'),
  },
  'cluster verify': {
    synopsis: 'Compares the nodes with each other and the store',
    load: () => from(import('./commands/cluster.ts'), 'clusterVerify'),
  },
  'cluster watch': {
    synopsis: 'Shows the cluster as it changes',
    load: () => from(import('./commands/cluster-watch.ts'), 'clusterWatch'),
  },
  'cluster whereis': {
    synopsis: 'Says which node owns a path',
    load: () => from(import('./commands/cluster.ts'), 'clusterWhereis'),
  },
  debug: {
    synopsis: 'Gathers what helps to find out what is wrong with a server',
    load: () => from(import('./commands/debug.ts'), 'debug'),
  },
  completion: {
    synopsis: 'Prints a script that completes commands',
    load: () => from(import('./commands/completion.ts'), 'completion'),
  },
  delete: {
    synopsis: 'Deletes secrets and configuration',
    load: () => from(import('./commands/delete.ts'), 'deleteCommand'),
  },
  kv: { synopsis: 'Work with key-value secrets' },
  'kv delete': {
    synopsis: 'Deletes versions of a secret',
    load: () => from(import('./commands/kv-versions.ts'), 'kvDelete'),
  },
  'kv destroy': {
    synopsis: 'Removes versions of a secret for good',
    load: () => from(import('./commands/kv-versions.ts'), 'kvDestroy'),
  },
  'kv enable-versioning': {
    synopsis: 'Turns versions on for a mount',
    load: () => from(import('./commands/mount-tune.ts'), 'kvEnableVersioning'),
  },
  'kv get': { synopsis: 'Reads a secret', load: () => from(import('./commands/kv-get.ts'), 'kvGet') },
  'kv list': { synopsis: 'Lists secrets', load: () => from(import('./commands/kv-list.ts'), 'kvList') },
  'kv metadata': { synopsis: 'Work with what is kept about a secret' },
  'kv metadata delete': {
    synopsis: 'Deletes a secret, all its versions and metadata',
    load: () => from(import('./commands/kv-metadata.ts'), 'kvMetadataDelete'),
  },
  'kv metadata get': {
    synopsis: 'Reads the metadata of a secret',
    load: () => from(import('./commands/kv-metadata.ts'), 'kvMetadataGet'),
  },
  'kv metadata patch': {
    synopsis: 'Changes some settings of a secret',
    load: () => from(import('./commands/kv-metadata-write.ts'), 'kvMetadataPatch'),
  },
  'kv metadata put': {
    synopsis: 'Sets the settings of a secret',
    load: () => from(import('./commands/kv-metadata-write.ts'), 'kvMetadataPut'),
  },
  'kv patch': {
    synopsis: 'Changes some values of a secret',
    load: () => from(import('./commands/kv-patch.ts'), 'kvPatch'),
  },
  'kv put': { synopsis: 'Writes a secret', load: () => from(import('./commands/kv-put.ts'), 'kvPut') },
  'kv rollback': {
    synopsis: 'Writes an earlier version of a secret again',
    load: () => from(import('./commands/kv-rollback.ts'), 'kvRollback'),
  },
  'kv search': {
    synopsis: 'Looks for secrets by path, field or value',
    load: () => from(import('./commands/kv-search.ts'), 'kvSearch'),
  },
  'kv undelete': {
    synopsis: 'Brings deleted versions of a secret back',
    load: () => from(import('./commands/kv-versions.ts'), 'kvUndelete'),
  },
  lease: { synopsis: 'Work with leases' },
  'lease lookup': {
    synopsis: 'Shows a lease',
    load: () => from(import('./commands/lease.ts'), 'leaseLookup'),
  },
  'lease renew': {
    synopsis: 'Renews a lease',
    load: () => from(import('./commands/lease.ts'), 'leaseRenew'),
  },
  'lease revoke': {
    synopsis: 'Revokes leases and their secrets',
    load: () => from(import('./commands/lease.ts'), 'leaseRevoke'),
  },
  list: { synopsis: 'Lists data or secrets', load: () => from(import('./commands/list.ts'), 'list') },
  login: {
    synopsis: 'Logs in and keeps the token',
    load: () => from(import('./commands/login.ts'), 'login'),
  },
  monitor: {
    synopsis: 'Shows the log of the server as it is written',
    load: () => from(import('./commands/monitor.ts'), 'monitor'),
  },
  namespace: { synopsis: 'Work with namespaces' },
  'namespace create': {
    synopsis: 'Makes a namespace',
    load: () => from(import('./commands/namespace.ts'), 'namespaceCreate'),
  },
  'namespace delete': {
    synopsis: 'Deletes a namespace with all that is in it',
    load: () => from(import('./commands/namespace.ts'), 'namespaceDelete'),
  },
  'namespace list': {
    synopsis: 'Lists the namespaces one level below',
    load: () => from(import('./commands/namespace.ts'), 'namespaceList'),
  },
  'namespace lock': {
    synopsis: 'Locks a namespace',
    load: () => from(import('./commands/namespace.ts'), 'namespaceLock'),
  },
  'namespace lookup': {
    synopsis: 'Shows a namespace',
    load: () => from(import('./commands/namespace.ts'), 'namespaceLookup'),
  },
  'namespace patch': {
    synopsis: 'Changes the metadata of a namespace',
    load: () => from(import('./commands/namespace.ts'), 'namespacePatch'),
  },
  'namespace unlock': {
    synopsis: 'Unlocks a namespace',
    load: () => from(import('./commands/namespace.ts'), 'namespaceUnlock'),
  },
  operator: { synopsis: 'Work on the server itself' },
  'operator diagnose': {
    synopsis: 'Looks for what would keep a server from starting',
    load: () => from(import('./commands/operator-diagnose.ts'), 'operatorDiagnose'),
  },
  'operator generate-root': {
    synopsis: 'Makes a new root token from shares',
    load: () => from(import('./commands/operator-generate-root.ts'), 'operatorGenerateRoot'),
  },
  'operator init': {
    synopsis: 'Initializes a server',
    load: () => from(import('./commands/operator-init.ts'), 'operatorInit'),
  },
  'operator key-status': {
    synopsis: 'Shows the encryption key in use',
    load: () => from(import('./commands/operator-key.ts'), 'operatorKeyStatus'),
  },
  'operator members': {
    synopsis: 'Lists the nodes of the cluster',
    load: () => from(import('./commands/operator-members.ts'), 'operatorMembers'),
  },
  'operator rekey': {
    synopsis: 'Makes new shares of a new unseal key',
    load: () => from(import('./commands/operator-rekey.ts'), 'operatorRekey'),
  },
  'operator rotate': {
    synopsis: 'Rotates the encryption key',
    load: () => from(import('./commands/operator-key.ts'), 'operatorRotate'),
  },
  'operator seal': {
    synopsis: 'Seals the server',
    load: () => from(import('./commands/operator-unseal.ts'), 'operatorSeal'),
  },
  'operator step-down': {
    synopsis: 'Makes the active node give way',
    load: () => from(import('./commands/operator-members.ts'), 'operatorStepDown'),
  },
  'operator unseal': {
    synopsis: 'Unseals the server',
    load: () => from(import('./commands/operator-unseal.ts'), 'operatorUnseal'),
  },
  'operator usage': {
    synopsis: 'Counts the clients of the server',
    load: () => from(import('./commands/operator-usage.ts'), 'operatorUsage'),
  },
  patch: {
    synopsis: 'Changes some fields of data or configuration',
    load: () => from(import('./commands/write.ts'), 'patch'),
  },
  'path-help': {
    synopsis: "Shows the API's own help for a path",
    load: () => from(import('./commands/path-help.ts'), 'pathHelp'),
  },
  plugin: { synopsis: 'Work with plugins' },
  'plugin info': {
    synopsis: 'Shows a plugin',
    load: () => from(import('./commands/plugin.ts'), 'pluginInfo'),
  },
  'plugin list': {
    synopsis: 'Lists the plugins',
    load: () => from(import('./commands/plugin.ts'), 'pluginList'),
  },
  policy: { synopsis: 'Work with policies' },
  'policy delete': {
    synopsis: 'Deletes a policy',
    load: () => from(import('./commands/policy.ts'), 'policyDelete'),
  },
  'policy explain': {
    synopsis: 'Says why a request would be let pass or not',
    load: () => from(import('./commands/policy-explain.ts'), 'policyExplain'),
  },
  'policy fmt': {
    synopsis: 'Formats a policy file',
    load: () => from(import('./commands/policy-fmt.ts'), 'policyFmt'),
  },
  'policy list': {
    synopsis: 'Lists policies',
    load: () => from(import('./commands/policy.ts'), 'policyList'),
  },
  'policy read': {
    synopsis: 'Prints a policy',
    load: () => from(import('./commands/policy.ts'), 'policyRead'),
  },
  'policy write': {
    synopsis: 'Uploads a policy',
    load: () => from(import('./commands/policy.ts'), 'policyWrite'),
  },
  print: { synopsis: 'Prints what the client would use' },
  'print token': {
    synopsis: 'Prints the token that commands would use',
    load: () => from(import('./commands/print-token.ts'), 'printToken'),
  },
  read: { synopsis: 'Reads data and secrets', load: () => from(import('./commands/read.ts'), 'read') },
  secrets: { synopsis: 'Work with secrets engines' },
  'secrets disable': {
    synopsis: 'Disables a secrets engine',
    load: () => from(import('./commands/mount-change.ts'), 'secretsDisable'),
  },
  'secrets enable': {
    synopsis: 'Enables a secrets engine',
    load: () => from(import('./commands/mount-enable.ts'), 'secretsEnable'),
  },
  'secrets list': {
    synopsis: 'Lists enabled secrets engines',
    load: () => from(import('./commands/mount-list.ts'), 'secretsList'),
  },
  'secrets move': {
    synopsis: 'Moves a secrets engine to another path',
    load: () => from(import('./commands/mount-change.ts'), 'secretsMove'),
  },
  'secrets tune': {
    synopsis: 'Changes the settings of a secrets engine',
    load: () => from(import('./commands/mount-tune.ts'), 'secretsTune'),
  },
  server: { synopsis: 'Starts a server' },
  status: {
    synopsis: 'Shows whether the server is sealed',
    load: () => from(import('./commands/status.ts'), 'status'),
  },
  token: { synopsis: 'Work with tokens' },
  'token capabilities': {
    synopsis: 'Shows what a token may do at a path',
    load: () => from(import('./commands/token-capabilities.ts'), 'tokenCapabilities'),
  },
  'token create': {
    synopsis: 'Creates a token',
    load: () => from(import('./commands/token-create.ts'), 'tokenCreate'),
  },
  'token lookup': {
    synopsis: 'Shows a token',
    load: () => from(import('./commands/token-lookup.ts'), 'tokenLookup'),
  },
  'token renew': {
    synopsis: 'Renews a token',
    load: () => from(import('./commands/token-lookup.ts'), 'tokenRenew'),
  },
  'token revoke': {
    synopsis: 'Revokes a token and its children',
    load: () => from(import('./commands/token-revoke.ts'), 'tokenRevoke'),
  },
  unwrap: {
    synopsis: 'Unwraps a wrapped secret',
    load: () => from(import('./commands/unwrap.ts'), 'unwrap'),
  },
  version: { synopsis: 'Prints the version', load: () => from(import('./commands/version.ts'), 'version') },
  'version-history': {
    synopsis: 'Lists the releases that served the store',
    load: () => from(import('./commands/version-history.ts'), 'versionHistory'),
  },
  write: {
    synopsis: 'Writes data, configuration and secrets',
    load: () => from(import('./commands/write.ts'), 'write'),
  },
};

export interface FoundCommand {
  /** A key of `COMMANDS`; empty where no command was named; undefined where there is none of that name. */
  path: string | undefined;
  args: string[];
  /** `-h`, `-help` or `--help` stands somewhere before `--`. */
  help: boolean;
  /** A flag stands in front of the command. */
  flagsBefore: boolean;
}

/** Finds the command in `argv`: the longest run of words, up to the first flag, that names one. */
export function findCommand(argv: readonly string[]): FoundCommand {
  const end = argv.indexOf('--');
  const before = end < 0 ? argv : argv.slice(0, end);
  const help = before.some((arg) => /^(?:-h|--?help)$/.test(arg));
  const start = before.findIndex((arg) => arg !== '' && !arg.startsWith('-'));
  if (start < 0) return { path: '', args: [], help, flagsBefore: false };
  const flagsBefore = before.slice(0, start).some((arg) => !/^(?:-h|--?help|-v|--?version)$/.test(arg));
  const words = wordsUpToFlag(argv.slice(start));
  for (let count = words.length; count > 0; count--) {
    const path = words.slice(0, count).join(' ');
    if (Object.hasOwn(COMMANDS, path)) return { path, args: argv.slice(start + count), help, flagsBefore };
  }
  return { path: undefined, args: [], help, flagsBefore };
}

function wordsUpToFlag(args: readonly string[]): readonly string[] {
  const stop = args.findIndex((arg) => arg === '' || arg.startsWith('-') || arg.includes(' '));
  return stop < 0 ? args : args.slice(0, stop);
}

/** The command at `path`; undefined for a group. */
export async function loadCommand(path: string): Promise<Command | undefined> {
  return COMMANDS[path]?.load?.();
}
