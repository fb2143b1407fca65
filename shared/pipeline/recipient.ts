/** Recipient: what the attestation document of a request says, and an answer that only its enclave can read (docs/adr/0028). */
import { type Attestation, verifyAttestation } from '#shared/attestation/attestation.ts';
import { AttestationFault } from '#shared/attestation/attestation-fault.ts';
import { sealForRecipient } from '#shared/attestation/enveloped-data.ts';
import { KmsError } from '#shared/errors.ts';
import type { JsonObject } from '#shared/json.ts';
import type { Operation } from '#shared/operation.ts';

/** @returns undefined when the request names no recipient. @throws KmsError ValidationException */
export function readRecipient(operation: Operation, input: Readonly<Record<string, unknown>>, roots: readonly string[], now: number): Attestation | undefined {
  const given = operation.recipient === undefined ? undefined : (input.Recipient as { AttestationDocument: Uint8Array } | undefined);
  if (given === undefined) return undefined;
  try {
    return verifyAttestation(given.AttestationDocument, roots, now);
  } catch (error) {
    if (error instanceof AttestationFault) throw new KmsError('ValidationException', `The attestation document is not accepted: ${error.message}.`);
    throw error;
  }
}

/** Puts CiphertextForRecipient in the place of the plaintext, which is wiped. */
export function sealAnswer(operation: Operation, attestation: Attestation | undefined, output: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  if (attestation === undefined || operation.recipient === undefined) return output;
  const { [operation.recipient]: plaintext, ...rest } = output ?? {};
  if (!(plaintext instanceof Uint8Array)) throw new Error(`${operation.name} answered without the member that is sealed for its recipient.`);
  try {
    return { ...rest, CiphertextForRecipient: sealForRecipient(attestation.publicKey, plaintext) };
  } finally {
    plaintext.fill(0);
  }
}

/** Measurements that AWS KMS records too. PCR 0 to 2 are of the image, 3 and 4 of the parent instance, 8 of the signer. */
const recordedPcrs = [0, 1, 2, 3, 4, 8];

export function recipientParameters({ moduleId, pcrs }: Attestation): JsonObject {
  return { moduleId, pcrs: Object.fromEntries(recordedPcrs.flatMap((index) => (pcrs.has(index) ? [[String(index), pcrs.get(index)!]] : []))) };
}
