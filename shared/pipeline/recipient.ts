/** Recipient: what the attestation document of a request says, and an answer that only its enclave can read (docs/adr/0028). */
import type { Attestation } from '#shared/attestation/attestation.ts';
import { AttestationFault } from '#shared/attestation/attestation-fault.ts';
import { KmsError } from '#shared/errors.ts';
import type { JsonObject } from '#shared/json.ts';
import type { Operation } from '#shared/operation.ts';

/** The attestation document of a request that names a recipient. */
export function recipientOf(operation: Operation, input: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  return operation.recipient === undefined ? undefined : (input.Recipient as { AttestationDocument: Uint8Array } | undefined)?.AttestationDocument;
}

/** What reads documents is loaded with the first one: few requests have any, and every function would pay for it at its start. @throws KmsError ValidationException */
export async function readRecipient(document: Uint8Array, roots: readonly string[], now: number): Promise<Attestation> {
  const { verifyAttestation } = await import('#shared/attestation/attestation.ts');
  try {
    return verifyAttestation(document, roots, now);
  } catch (error) {
    if (error instanceof AttestationFault) throw new KmsError('ValidationException', `The attestation document is not accepted: ${error.message}.`);
    throw error;
  }
}

/** Puts CiphertextForRecipient in the place of the plaintext, which is wiped. */
export async function sealAnswer(operation: Operation, attestation: Attestation, output: Record<string, unknown> | undefined): Promise<Record<string, unknown>> {
  const { [operation.recipient ?? '']: plaintext, ...rest } = output ?? {};
  if (!(plaintext instanceof Uint8Array)) throw new Error(`${operation.name} answered without the member that is sealed for its recipient.`);
  try {
    const { sealForRecipient } = await import('#shared/attestation/enveloped-data.ts');
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
