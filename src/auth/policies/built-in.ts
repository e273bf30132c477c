/**
 * The policies that are always there.
 *
 * @module
 */
import { type Policy, parsePolicy } from './parse.ts';

/** Nobody may change or delete these, and no token may be given `response-wrapping`. */
export const FIXED_POLICIES: readonly string[] = ['root', 'response-wrapping'];

export const ROOT_POLICY: Policy = { name: 'root', text: '', rules: [], templated: false, isRoot: true };

export const RESPONSE_WRAPPING_POLICY: Policy = parsePolicy(
  'response-wrapping',
  `path "cubbyhole/response" {
  capabilities = ["create", "read"]
}

path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}
`,
);

/** What `default` says until somebody writes it anew. It can be changed, not deleted. */
export const DEFAULT_POLICY_TEXT = `# Every token has this policy unless it was made with no_default_policy.

# The token itself
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# What it may do
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# The entity behind it
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# Leases, by their id. The first is the path that older clients use.
path "sys/renew" {
  capabilities = ["update"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/leases/lookup" {
  capabilities = ["update"]
}

# Its own cubbyhole
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Response wrapping
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}
path "sys/wrapping/lookup" {
  capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Tools
path "sys/tools/hash" {
  capabilities = ["update"]
}
path "sys/tools/hash/*" {
  capabilities = ["update"]
}

# The state of a control group's request, by its accessor
path "sys/control-group/request" {
  capabilities = ["update"]
}

# Login to applications that take this server for their OIDC provider
path "identity/oidc/provider/+/authorize" {
  capabilities = ["read", "update"]
}
`;
