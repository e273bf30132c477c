/**
 * The flags that every command takes: where the server is and how to reach it, and how to print what it answers.
 *
 * @module
 */
import { boolFlag, durationFlag, type FlagTable, listFlag, mapFlag, stringFlag } from './flags.ts';

/** A namespace that nobody can have: the flag was not given. */
export const NOT_SET = '(not set)';

export const httpFlags = {
  address: stringFlag('The server, as a URL.', { absent: 'https://127.0.0.1:8200', env: 'VAULT_ADDR' }),
  'agent-address': stringFlag('An agent to ask instead of the server, as a URL.', {
    env: 'VAULT_AGENT_ADDR',
  }),
  'ca-cert': stringFlag(
    "PEM file with the authority that signed the server's certificate. Goes before -ca-path.",
    {
      env: 'VAULT_CACERT',
    },
  ),
  'ca-path': stringFlag(
    "Folder of PEM files with authorities that may have signed the server's certificate.",
    {
      env: 'VAULT_CAPATH',
    },
  ),
  'client-cert': stringFlag('PEM file with the certificate to show to the server. Needs -client-key too.', {
    env: 'VAULT_CLIENT_CERT',
  }),
  'client-key': stringFlag('PEM file with the private key of -client-cert.', { env: 'VAULT_CLIENT_KEY' }),
  namespace: stringFlag('Namespace in which paths are looked up. -ns is short for it.', {
    absent: NOT_SET,
    env: 'VAULT_NAMESPACE',
  }),
  ns: stringFlag('Short for -namespace, and goes before it.', { absent: NOT_SET, hidden: true }),
  'tls-server-name': stringFlag('Name to ask for (SNI) and to check when connecting with TLS.', {
    env: 'VAULT_TLS_SERVER_NAME',
  }),
  'tls-skip-verify': boolFlag(
    "Do not verify the server's certificate. Whoever sits in between can then read everything.",
    {
      env: 'VAULT_SKIP_VERIFY',
    },
  ),
  'disable-redirects': boolFlag('Do not follow the one redirect that is followed otherwise.', {
    env: 'VAULT_DISABLE_REDIRECTS',
  }),
  'policy-override': boolFlag('Ask to pass over a Sentinel policy that is soft-mandatory.'),
  'wrap-ttl': durationFlag(
    'Have the answer wrapped in a single-use token that lives this long, such as "30s" or "5m".',
    {
      env: 'VAULT_WRAP_TTL',
    },
  ),
  mfa: listFlag('MFA credentials, sent as X-Vault-MFA. May be given many times.', { env: 'VAULT_MFA' }),
  'output-curl-string': boolFlag('Send nothing; print the curl command that would do the same.'),
  'output-policy': boolFlag('Send nothing; print a policy that would allow it.'),
  'unlock-key': stringFlag('Key that unlocks a locked namespace.', { absent: NOT_SET }),
  header: mapFlag(
    'A further HTTP header, as key=value. Not one that starts with X-Vault-. May be given many times.',
  ),
  'non-interactive': boolFlag('Never ask at the terminal.'),
} satisfies FlagTable;

/** Which of the output flags a command takes. `raw` allows `-format=raw`, which only `read` can print. */
export interface OutputFlags {
  field?: boolean;
  format?: boolean;
  detailed?: boolean;
  raw?: boolean;
}

const fieldFlag = stringFlag(
  'Print only this field, without a line end where the output is no terminal. Goes before -format.',
);
const formatFlag = stringFlag('How to print: "table", "json", "yaml" or "pretty"; "raw" for read only.', {
  absent: 'table',
  env: 'VAULT_FORMAT',
});
const detailedFlag = boolFlag('Print what else is known of each entry.', { env: 'VAULT_DETAILED' });

export const outputFlagTable = {
  field: fieldFlag,
  format: formatFlag,
  detailed: detailedFlag,
} satisfies FlagTable;

export function outputFlags(wanted: OutputFlags): FlagTable {
  return {
    ...(wanted.field ? { field: fieldFlag } : {}),
    ...(wanted.format ? { format: formatFlag } : {}),
    ...(wanted.detailed ? { detailed: detailedFlag } : {}),
  };
}
