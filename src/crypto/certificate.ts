/**
 * Issuing an X.509 v3 certificate (RFC 5280) with an ECDSA P-256 key: what dev mode's TLS needs.
 *
 * @module
 */
import { createPublicKey, hash, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { bits, bool, der, integer, octets, oid, sequence, set, tagged, time, utf8 } from './der.ts';

export interface CertificateRequest {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly issuerName: string;
  readonly issuerKey: KeyObject;
  /** 16 bytes, not all zero. */
  readonly serial: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isCa: boolean;
  /** DNS names and IP addresses. */
  readonly altNames: readonly string[];
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const name = (commonName: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  critical ? sequence(oid(id), bool(true), octets(value)) : sequence(oid(id), octets(value));

/** @returns PEM. @throws where a name in `altNames` is not ASCII. */
export function issueCertificate(request: CertificateRequest): string {
  const spki = request.publicKey.export({ format: 'der', type: 'spki' });
  const tbs = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(request.serial),
    ECDSA_WITH_SHA256,
    name(request.issuerName),
    sequence(time(request.notBeforeMs), time(request.notAfterMs)),
    name(request.commonName),
    spki,
    tagged(3, sequence(...extensions(request, spki))),
  );
  const signature = sign('sha256', tbs, request.issuerKey);
  return pem(sequence(tbs, ECDSA_WITH_SHA256, bits(signature)));
}

function extensions(request: CertificateRequest, spki: Uint8Array): Buffer[] {
  const issuerSpki = createPublicKey(request.issuerKey).export({ format: 'der', type: 'spki' });
  // Bits from the left: digitalSignature and keyAgreement; keyCertSign and cRLSign for a CA.
  const usage = request.isCa ? [0x01, 0x06] : [0x03, 0x88];
  const list = [
    extension('2.5.29.19', true, request.isCa ? sequence(bool(true)) : sequence()),
    extension('2.5.29.15', true, der(0x03, Buffer.from(usage))),
    extension('2.5.29.14', false, octets(keyId(spki))),
    extension('2.5.29.35', false, sequence(der(0x80, keyId(issuerSpki)))),
  ];
  if (!request.isCa) {
    const serverAndClient = sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'));
    list.push(extension('2.5.29.37', false, serverAndClient));
  }
  if (request.altNames.length > 0) {
    list.push(extension('2.5.29.17', false, sequence(...request.altNames.map(generalName))));
  }
  return list;
}

/** Any stable function of the key will do (RFC 5280 §4.2.1.2). */
const keyId = (spki: Uint8Array): Buffer => hash('sha256', spki, 'buffer').subarray(0, 20);

function generalName(text: string): Buffer {
  const version = isIP(text);
  if (version === 0) return der(0x82, Buffer.from(text, 'ascii'));
  return der(0x87, version === 4 ? Buffer.from(text.split('.').map(Number)) : ip6(text));
}

function ip6(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const [front, back] = [groups(head), groups(tail)];
  const middle = tail === undefined ? [] : new Array<string>(8 - front.length - back.length).fill('0');
  const bytes = Buffer.alloc(16);
  for (const [at, group] of [...front, ...middle, ...back].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), at * 2);
  return bytes;
}

function pem(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
