/** Certificates as a CloudHSM cluster shows them, under roots of the test's own. The keys are made once for each process. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { bitString, der, derTag, integer, oid, sequence } from '#shared/x509/der.ts';
import { toPem } from '#shared/x509/pem.ts';
import { type CertificateFields, certificateToSign, commonName, signedCertificate } from '#shared/x509/rsa-certificate.ts';

export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKeyInfo: Buffer;
}

export function makeKey(modulusLength = 2048): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength });
  return { privateKey, publicKeyInfo: publicKey.export({ format: 'der', type: 'spki' }) };
}

interface Identity {
  readonly name: string;
  readonly key: TestKey;
}

export function issue(subject: Identity, issuer: Identity, changes: Partial<CertificateFields> = {}): string {
  const fields: CertificateFields = {
    serial: createHash('sha256').update(`${subject.name}/${issuer.name}`).digest().subarray(0, 8),
    issuer: commonName(issuer.name),
    subject: commonName(subject.name),
    notBefore: Date.parse('2020-01-01T00:00:00Z'),
    notAfter: Date.parse('2060-01-01T00:00:00Z'),
    publicKeyInfo: subject.key.publicKeyInfo,
    issuerPublicKeyInfo: issuer.key.publicKeyInfo,
    isAuthority: true,
    ...changes,
  };
  const toSign = certificateToSign(fields);
  return signedCertificate(toSign, sign('sha256', toSign, issuer.key.privateKey));
}

export function signingRequest({ name, key }: Identity, signer: TestKey = key): string {
  const info = sequence(integer(Buffer.from([0])), commonName(name), key.publicKeyInfo, der(0xa0));
  const algorithm = sequence(oid('1.2.840.113549.1.1.11'), der(derTag.null));
  return toPem('CERTIFICATE REQUEST', sequence(info, algorithm, bitString(sign('sha256', info, signer.privateKey))));
}

function make() {
  const [awsRoot, manufacturerRoot, hardware, hsm, authority] = ['AWS CloudHSM root', 'Manufacturer root', 'Hardware', 'HSM', 'Authority'].map((name) => ({
    name,
    key: makeKey(),
  })) as [Identity, Identity, Identity, Identity, Identity];
  return {
    identities: { awsRoot, manufacturerRoot, hardware, hsm, authority },
    roots: { aws: issue(awsRoot, awsRoot), manufacturer: issue(manufacturerRoot, manufacturerRoot) },
    shown: {
      awsHardware: issue(hardware, awsRoot),
      manufacturerHardware: issue(hardware, manufacturerRoot),
      hsm: issue(hsm, hardware, { isAuthority: false }),
      signingRequest: signingRequest({ name: 'cluster', key: hsm.key }),
    },
  };
}

let made: ReturnType<typeof make> | undefined;
export const testPki = (): ReturnType<typeof make> => {
  made ??= make();
  return made;
};
