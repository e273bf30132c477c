/**
 * What a server prints when it is up. Scripts read some of these lines (`Unseal Key:`, `Root Token:`): they are Vault's.
 *
 * @module
 */
import { COFFER_VERSION, VAULT_VERSION } from './model/version.ts';
import type { NodeSettings } from './server-settings.ts';

export interface BannerFacts {
  readonly apiAddress: string;
  readonly clusterAddress: string;
  /** As in `tcp (addr: "127.0.0.1:8200", tls: "disabled")`. */
  readonly listeners: readonly string[];
  readonly logLevel: string;
  readonly storage: string;
  /** How many processes serve this; not shown where absent. */
  readonly nodes?: number;
}

export function bannerFacts(settings: NodeSettings): BannerFacts {
  return {
    apiAddress: settings.apiAddress,
    clusterAddress: settings.clusterAddress,
    listeners: settings.listeners.map(
      ({ address, tls_disable }) =>
        `tcp (addr: "${address}", tls: "${tls_disable ? 'disabled' : 'enabled'}")`,
    ),
    logLevel: settings.log.level,
    storage: settings.cluster?.storage.type ?? settings.storage.type,
  };
}

/** Names right-aligned to the longest, as Vault prints them. */
export function serverBanner(facts: BannerFacts): string {
  const rows: [string, string][] = [
    ['Api Address', facts.apiAddress],
    ['Cluster Address', facts.clusterAddress],
    ...facts.listeners.map((text, at): [string, string] => [`Listener ${at + 1}`, text]),
    ['Log Level', facts.logLevel],
    ['Node Version', process.versions.node],
    ...(facts.nodes === undefined ? [] : [['Nodes', String(facts.nodes)] as [string, string]]),
    ['Storage', facts.storage],
    ['Version', `Vault v${VAULT_VERSION} (Coffer ${COFFER_VERSION})`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 1;
  const lines = rows.map(([name, value]) => `${name.padStart(width + 4)}: ${value}`);
  return `==> Vault server configuration:\n\n${lines.join('\n')}\n\n==> Vault server started! Log data will stream in below:\n\n`;
}

export interface DevFacts {
  readonly unsealKey: string;
  readonly rootToken: string;
  /** For VAULT_ADDR. */
  readonly address: string;
  readonly caFile: string | undefined;
  /** `-dev-data`'s folder. */
  readonly dataFolder: string | undefined;
  /** Does the storage outlive this server? */
  readonly isKept: boolean;
  /** Is there an engine at `secret/`? */
  readonly hasKv: boolean;
  readonly tokenStored: boolean;
  /** The program as the user called it, such as `bin/coffer`. */
  readonly program: string;
}

export function devBanner(facts: DevFacts): string {
  const exports = [`export VAULT_ADDR='${facts.address}'`];
  if (facts.caFile !== undefined) exports.push(`export VAULT_CACERT='${facts.caFile}'`);
  if (!facts.tokenStored) exports.push(`export VAULT_TOKEN='${facts.rootToken}'`);
  const tryKv = [`${facts.program} kv put secret/hello who=world`, `${facts.program} kv get secret/hello`];
  const commands = [...exports, ...(facts.hasKv ? tryKv : [])];
  return `WARNING! dev mode is enabled! The server is unsealed and its root token is printed here.
${keptSentence(facts)}
Development mode should NOT be used in production installations!

Unseal Key: ${facts.unsealKey}
Root Token: ${facts.rootToken}

Try, in another terminal:

${commands.map((line) => `    ${line}`).join('\n')}
`;
}

function keptSentence({ dataFolder, isKept }: DevFacts): string {
  if (dataFolder !== undefined)
    return `Data, unseal key and root token are kept in ${dataFolder}, readable by you alone. Whoever\nreads that folder reads every secret in it.`;
  if (isKept)
    return 'Data is kept in the storage of the configuration; its unseal key stands nowhere but here.';
  return 'Everything is lost when this server stops.';
}
