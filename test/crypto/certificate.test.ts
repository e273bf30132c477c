import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { issueCertificate } from '../../src/crypto/certificate.ts';

test('a certificate is read back by OpenSSL as it was asked for, and verifies under its issuer (RFC 5280)', () => {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const common = { issuerName: 'Test CA', issuerKey: ca.privateKey, notBeforeMs: 1_700_000_000_000 };
  const root = new X509Certificate(
    issueCertificate({
      ...common,
      commonName: 'Test CA',
      publicKey: ca.publicKey,
      serial: randomBytes(16),
      notAfterMs: Date.UTC(2060, 5),
      isCa: true,
      altNames: [],
    }),
  );
  const leaf = new X509Certificate(
    issueCertificate({
      ...common,
      commonName: 'server é',
      publicKey: server.publicKey,
      serial: Buffer.from('80ff00000000000000000000000000aa', 'hex'),
      notAfterMs: Date.UTC(2040, 0),
      isCa: false,
      altNames: ['localhost', 'a.example', '127.0.0.1', '::1', '2001:db8::7:1'],
    }),
  );
  assert.equal(root.ca, true);
  assert.equal(leaf.ca, false);
  assert(leaf.verify(root.publicKey));
  assert(leaf.checkIssued(root));
  assert.equal(leaf.subject, 'CN=server é');
  assert.equal(leaf.serialNumber, '80FF00000000000000000000000000AA');
  assert.equal(
    leaf.subjectAltName,
    'DNS:localhost, DNS:a.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:7:1',
  );
  assert.equal(leaf.checkHost('a.example'), 'a.example');
  assert.equal(leaf.checkIP('::1'), '::1');
  assert.equal(new Date(root.validTo).getTime(), Date.UTC(2060, 5));
  assert.equal(new Date(leaf.validFrom).getTime(), 1_700_000_000_000);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  // Broken on purpose: another key does not verify it.
  assert(!leaf.verify(server.publicKey));
});
