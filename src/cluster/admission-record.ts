/**
 * The coordinator's record of identities that were barred or admitted.
 *
 * @module
 */
import type { Identity } from '../model/cluster-control.ts';
import { ADMISSION_RECORD_BYTES_MAX, IDENTITIES_MAX } from '../model/limits.ts';
import { asCount, asFields, asList, asText, BadRecord, parseFields } from './record-fields.ts';

export const ADMISSION_KEY = 'admission';

export interface AdmissionRecord {
  /** Undefined: nobody was ever asked to approve anyone. */
  readonly approved: readonly Identity[] | undefined;
  readonly barred: readonly Identity[];
}

const FORMAT = 1;
const TEXT_CHARS_MAX = 128;

/** libp2p's name of an Ed25519 key. */
export function isPeerId(text: string): boolean {
  return /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(text);
}

export function encodeAdmission({ approved, barred }: AdmissionRecord): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT, approved: approved ?? null, barred }));
}

/** @throws BadRecord */
export function decodeAdmission(bytes: Uint8Array): AdmissionRecord {
  const fields = parseFields(bytes, ADMISSION_RECORD_BYTES_MAX);
  if (fields.format !== FORMAT) throw new BadRecord('the admitted identities are of another format');
  return {
    approved: fields.approved === null ? undefined : identities(fields.approved, 'approved'),
    barred: identities(fields.barred, 'barred'),
  };
}

function identities(value: unknown, what: string): Identity[] {
  return asList(value, what, IDENTITIES_MAX).map((one) => {
    const { peer, nodeId, atMs } = asFields(one, what);
    return {
      peer: asText(peer, what, TEXT_CHARS_MAX),
      nodeId: asText(nodeId, what, TEXT_CHARS_MAX),
      atMs: asCount(atMs, what),
    };
  });
}
