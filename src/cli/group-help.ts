/**
 * What the groups of subcommands are for.
 *
 * @module
 */

/** By path in the command table. */
export const GROUP_ABOUT: Readonly<Record<string, string>> = {
  audit: `
Audit devices write down every request and answer, with secrets hashed. A request that no device could
write down is refused.

    $ vault audit enable file file_path=/var/log/audit.log
    $ vault audit list
    $ vault audit disable file/`,
  auth: `
Auth methods turn proof of who somebody is into a token.

    $ vault auth list
    $ vault auth enable userpass
    $ vault auth tune -default-lease-ttl=1h userpass/
    $ vault auth disable userpass/`,
  cluster: `
Several nodes that serve the same data, all of it on each of them.

    $ vault cluster demo -nodes=3 -root-token-id=root
    $ vault cluster status
    $ vault cluster watch
    $ vault cluster whereis secret/hello
    $ vault cluster drain -wait n2`,
  kv: `
Secrets that are pairs of names and values, with or without versions.

    $ vault kv put -mount=secret hello who=world
    $ vault kv get -mount=secret hello
    $ vault kv get -mount=secret -version=1 hello
    $ vault kv list -mount=secret
    $ vault kv search -mount=secret password

The mount may also be the first part of the path (secret/hello). Mind that with versions the API itself
has /data/ in between; policies are written for that path (secret/data/hello).`,
  'kv metadata': `
What is kept about a secret beside its versions: how many are kept, for how long, and custom metadata.

    $ vault kv metadata put -mount=secret -max-versions=5 hello
    $ vault kv metadata get -mount=secret hello
    $ vault kv metadata delete -mount=secret hello`,
  lease: `
Leases say how long a secret that was made for somebody lives.

    $ vault lease renew database/creds/readonly/2f6a614c
    $ vault lease revoke database/creds/readonly/2f6a614c`,
  operator: `
For those who run the server.

    $ vault operator init
    $ vault operator unseal
    $ vault operator rotate`,
  policy: `
Policies say which paths a token may use, and how.

    $ vault policy write my-policy ./my-policy.hcl
    $ vault policy read my-policy
    $ vault policy list
    $ vault policy explain GET secret/data/hello
    $ vault policy fmt ./my-policy.hcl`,
  print: `
Shows what commands would use.

    $ vault print token`,
  secrets: `
Secrets engines keep or make secrets. Each is mounted at a path.

    $ vault secrets list
    $ vault secrets enable -path=team-a -version=2 kv
    $ vault secrets tune -max-lease-ttl=24h team-a/
    $ vault secrets disable team-a/`,
  server: `
Runs a server. With -dev it is unsealed at once and keeps everything in memory; that is for trying out only.

    $ vault server -dev
    $ vault server -config=/etc/coffer/config.hcl`,
  token: `
Tokens are what every request shows to say who it is from.

    $ vault token create -policy=my-policy -ttl=1h
    $ vault token lookup
    $ vault token renew
    $ vault token revoke -accessor 8609694a-cdbc-db9b-d345-e782dbb562ed`,
};
