/**
 * Which of hvac's integration tests run against Coffer. Every test file of the sdist stands in one of the two tables.
 *
 * @module
 */

/** Test files that run, below `tests/integration_tests/`. */
export const HVAC_FILES = [
  'api/auth_methods/test_approle.py',
  'api/auth_methods/test_token.py',
  'api/secrets_engines/test_kv_v1.py',
  'api/secrets_engines/test_kv_v2.py',
  'api/system_backend/test_audit.py',
  'api/system_backend/test_auth.py',
  'api/system_backend/test_health.py',
  'api/system_backend/test_init.py',
  'api/system_backend/test_key.py',
  'api/system_backend/test_leader.py',
  'api/system_backend/test_lease.py',
  'api/system_backend/test_mount.py',
  'api/system_backend/test_namespace.py',
  'api/system_backend/test_policies.py',
  'api/system_backend/test_policy.py',
  'api/system_backend/test_quota.py',
  'api/system_backend/test_raft.py',
  'api/system_backend/test_seal.py',
  'api/system_backend/test_wrapping.py',
  'v1/test_approle.py',
  'v1/test_integration.py',
  'v1/test_system_backend.py',
];

/** Test files that do not run, each for the engine or auth method it is about. */
export const HVAC_FILES_NOT_YET: Record<string, string> = {
  'api/auth_methods/test_aws.py': 'AWS auth is not served yet',
  'api/auth_methods/test_azure.py': 'Azure auth is not served yet',
  'api/auth_methods/test_cert.py': 'certificate auth is not served yet',
  'api/auth_methods/test_gcp.py': 'GCP auth is not served yet',
  'api/auth_methods/test_github.py': 'GitHub auth is not served yet',
  'api/auth_methods/test_jwt.py': 'JWT auth is not served yet',
  'api/auth_methods/test_kubernetes.py': 'Kubernetes auth is not served yet',
  'api/auth_methods/test_ldap.py': 'LDAP auth is not served yet',
  'api/auth_methods/test_legacy_mfa.py': 'legacy MFA left Vault in 1.11',
  'api/auth_methods/test_oidc.py': 'OIDC auth is not served yet',
  'api/auth_methods/test_okta.py': 'Okta auth is not served yet',
  'api/secrets_engines/test_aws.py': 'the AWS engine is not served yet',
  'api/secrets_engines/test_azure.py': 'the Azure engine is not served yet',
  'api/secrets_engines/test_gcp.py': 'the GCP engine is not served yet',
  'api/secrets_engines/test_identity.py': 'identity is not served yet',
  'api/secrets_engines/test_pki.py': 'PKI is not served yet',
  'api/secrets_engines/test_ssh.py': 'the SSH engine is not served yet',
  'api/secrets_engines/test_transform.py': 'the Transform engine is Vault Enterprise',
  'api/secrets_engines/test_transit.py': 'Transit is not served yet',
};
