/**
 * Commands of node-vault that Coffer does not serve yet, with arguments to call them with: each must be refused, never answered as if it had
 * worked. One that succeeds fails the run, so that the list stays honest.
 *
 * @module
 */

export interface NotYet {
  reason: string;
  args?: object;
}

const kubernetes: NotYet = {
  reason: 'Kubernetes auth is not served yet',
  args: { mount_point: 'kubernetes', role_name: 'r', role: 'r', jwt: 'j' },
};
const transit: NotYet = {
  reason: 'Transit is not served yet',
  args: { name: 'k', plaintext: 'cA==', ciphertext: 'vault:v1:x' },
};
const login = (method: string): NotYet => ({
  reason: `${method} auth is not served yet`,
  args: { role: 'r', jwt: 'j', token: 't', username: 'u', password: 'p' },
});

export const NOT_YET: Record<string, NotYet> = {
  // These two lack the list of their parameters, and node-vault fails on any argument.
  addKubernetesRole: { reason: kubernetes.reason },
  certLogin: { reason: 'certificate auth is not served yet' },
  awsIamLogin: {
    reason: 'AWS auth is not served yet',
    args: {
      role: 'r',
      iam_http_request_method: 'POST',
      iam_request_url: 'x',
      iam_request_body: 'x',
      iam_request_headers: 'x',
    },
  },
  decryptData: transit,
  deleteKubernetesRole: kubernetes,
  encryptData: transit,
  gcpLogin: login('GCP'),
  generateDatabaseCredentials: {
    reason: 'the database engine is not served yet',
    args: { databasePath: 'database', name: 'r' },
  },
  getKubernetesRole: kubernetes,
  githubLogin: login('GitHub'),
  jwtLogin: login('JWT'),
  kubernetesLogin: kubernetes,
  ldapLogin: login('LDAP'),
  oktaLogin: login('Okta'),
  radiusLogin: login('RADIUS'),
  renew: {
    reason: 'no engine with leases is served yet',
    args: { lease_id: 'database/creds/r/0123456789abcdefghijklmn' },
  },
  rewrapData: transit,
  transitCreateKey: transit,
  transitDeleteKey: transit,
  transitListKeys: transit,
  transitReadKey: transit,
};
