/** Why an attestation document is not accepted. The message is for the caller and holds nothing of the document. */
export class AttestationFault extends Error {
  override readonly name = 'AttestationFault';
}
