import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { attestationAgeMaxMs, verifyAttestation } from '#shared/attestation/attestation.ts';
import { encodeEnvelope } from '#shared/attestation/enveloped-data.ts';
import { readSignedDocument } from '#shared/attestation/signed-document.ts';
import { awsNitroRootG1 } from '#shared/attestation/trusted-roots.ts';

const read = <Shape>(name: string): Shape => JSON.parse(readFileSync(new URL(`./data/nitro/${name}.json`, import.meta.url), 'utf8')) as Shape;
const recorded = read<{ at: number; moduleId: string; pcr4: string; document: string }>('attestation-document');
const envelope = read<Record<'keyIdentifier' | 'encryptedKey' | 'iv' | 'ciphertext' | 'envelope', string>>('envelope');

const document = Buffer.from(recorded.document, 'base64');
/** The recorded document was made without a public key: that is the last thing to be looked at. */
const everythingElseHolds = 'it has no public key';
const faultOf = (bytes: Uint8Array, roots: readonly string[], now: number): string => {
  try {
    verifyAttestation(bytes, roots, now);
    return '';
  } catch (error) {
    return (error as Error).name === 'AttestationFault' ? (error as Error).message : String(error);
  }
};

describe('a document that a real enclave was given', () => {
  test('is read, and its chain to the root of AWS, its signature and its age hold at its time', () => {
    const { moduleId, timestamp, pcrs, bundle } = readSignedDocument(document);

    expect(document.length).toBe(4493);
    expect({ moduleId, timestamp, pcr4: Buffer.from(pcrs.get(4)!).toString('hex'), bundle: bundle.length }).toEqual({
      moduleId: recorded.moduleId,
      timestamp: recorded.at + 2068,
      pcr4: recorded.pcr4,
      bundle: 4,
    });
    expect(faultOf(document, [awsNitroRootG1], recorded.at)).toBe(everythingElseHolds);
  });

  test('is refused when it is old, early, or of a root that is not trusted', () => {
    const { timestamp } = readSignedDocument(document);

    expect(faultOf(document, [awsNitroRootG1], timestamp + attestationAgeMaxMs)).toBe(everythingElseHolds);
    expect(faultOf(document, [awsNitroRootG1], timestamp + attestationAgeMaxMs + 1)).toBe('it is older than five minutes');
    expect(faultOf(document, [awsNitroRootG1], timestamp - 60_000)).toBe(everythingElseHolds);
    expect(faultOf(document, [awsNitroRootG1], timestamp - 60_001)).toBe('it is from the future');
    expect(faultOf(document, [awsNitroRootG1], timestamp + 3 * 3_600_000)).toBe('a certificate is not valid at this time');
    expect(faultOf(document, ['0'.repeat(64)], recorded.at)).toBe('its root certificate is not trusted here');
    expect(faultOf(document, [], recorded.at)).toBe('its root certificate is not trusted here');
  });

  test('is refused after any change of a single byte, and at any other length', () => {
    const accepted: number[] = [];
    const odd: string[] = [];
    for (let at = 0; at < document.length; at += 1) {
      const changed = Buffer.from(document);
      changed[at]! ^= 1 << (at % 8);
      const fault = faultOf(changed, [awsNitroRootG1], recorded.at);
      if (fault === '' || fault === everythingElseHolds) accepted.push(at);
      if (fault.includes('Error')) odd.push(fault);
    }
    for (let length = 0; length < document.length; length += 7) {
      if (faultOf(document.subarray(0, length), [awsNitroRootG1], recorded.at) === everythingElseHolds) accepted.push(length);
    }
    if (faultOf(Buffer.concat([document, Buffer.from([0])]), [awsNitroRootG1], recorded.at) === everythingElseHolds) accepted.push(document.length);

    expect(accepted).toEqual([]);
    expect(odd).toEqual([]);
  });
});

test('the envelope of an answer is laid out as AWS KMS does it, byte for byte', () => {
  const bytes = (name: keyof typeof envelope) => Buffer.from(envelope[name], 'hex');

  const written = encodeEnvelope({ keyIdentifier: bytes('keyIdentifier'), encryptedKey: bytes('encryptedKey'), iv: bytes('iv'), ciphertext: bytes('ciphertext') });

  expect(Buffer.from(written).toString('hex')).toBe(envelope.envelope);
});
