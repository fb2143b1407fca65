/** Whether an attestation document came out of a Nitro enclave just now, and what it says. Pure: bytes, trusted roots and the time go in. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { AttestationFault } from './attestation-fault.ts';
import { certifiedKey, verifyChain } from './certificate-chain.ts';
import { readSignedDocument } from './signed-document.ts';

export interface Attestation {
  readonly moduleId: string;
  /** Measurements by index, in lower-case hexadecimal. */
  readonly pcrs: ReadonlyMap<number, string>;
  /** RSA, of the enclave. */
  readonly publicKey: KeyObject;
}

/** How old a document may be: AWS KMS's five minutes. Its certificate would be good for three hours. */
export const attestationAgeMaxMs = 300_000;
/** How far the enclave's clock may be ahead of ours. */
const clockSkewMs = 60_000;

/** @param roots SHA-256 fingerprints of root certificates. @throws AttestationFault */
export function verifyAttestation(bytes: Uint8Array, roots: readonly string[], now: number): Attestation {
  const document = readSignedDocument(bytes);
  // The signature before the chain: one verification then refuses what was changed on its way.
  const key = certifiedKey(document.certificate);
  if (!verify('sha384', document.signed, { key, dsaEncoding: 'ieee-p1363' }, document.signature)) throw new AttestationFault('its signature does not hold');
  verifyChain([...document.bundle, document.certificate], roots, now);
  if (document.timestamp < now - attestationAgeMaxMs) throw new AttestationFault('it is older than five minutes');
  if (document.timestamp > now + clockSkewMs) throw new AttestationFault('it is from the future');
  return {
    moduleId: document.moduleId,
    pcrs: new Map([...document.pcrs].map(([index, value]) => [index, Buffer.from(value).toString('hex')])),
    publicKey: readPublicKey(document.publicKey),
  };
}

function readPublicKey(der: Uint8Array | undefined): KeyObject {
  if (der === undefined) throw new AttestationFault('it has no public key');
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  } catch {
    throw new AttestationFault('its public key is not a DER-encoded SubjectPublicKeyInfo');
  }
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const isAccepted = key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 4096 && publicExponent > 65_536n && publicExponent % 2n === 1n;
  if (!isAccepted || !key.export({ format: 'der', type: 'spki' }).equals(der)) throw new AttestationFault('its public key is not an RSA key of 2048 to 4096 bits');
  return key;
}
