import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as PeculiarCertificate,
  Pkcs10CertificateRequest,
  SubjectKeyIdentifierExtension,
} from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import { createKmsAuthority } from '#lambdas/cloudhsm/cluster-authority.ts';
import { hardwareFault } from '#shared/cloudhsm/hardware-chain.ts';
import { readDer } from '#shared/x509/der.ts';
import { readSigningRequest } from '#shared/x509/signing-request.ts';
import { MemoryKms, MemorySecrets } from '#test/support/cloudhsm-control-plane/reconciler-world.ts';
import { issue, signingRequest, testPki } from '#test/support/cloudhsm-control-plane/test-pki.ts';

const now = Date.parse('2026-11-24T08:00:00Z');
const { identities, roots, shown } = testPki();
const { awsRoot, manufacturerRoot, hardware, hsm, authority } = identities;

describe('the chain of the hardware', () => {
  test('is genuine when both roots lead to the key of the signing request', () => {
    expect(hardwareFault(shown, roots, now)).toBeUndefined();
  });

  test.each([
    ['a missing certificate', { ...shown, hsm: undefined }, roots, "the HSM's certificate is missing"],
    ['no certificate at all', { ...shown, awsHardware: 'hello' }, roots, "AWS's hardware certificate cannot be read"],
    [
      'another root with the same name',
      shown,
      { ...roots, aws: issue({ ...awsRoot, key: authority.key }, { ...awsRoot, key: authority.key }) },
      "AWS's hardware certificate is not issued",
    ],
    ['the two roots mixed up', shown, { aws: roots.manufacturer, manufacturer: roots.aws }, "AWS's hardware certificate is not issued"],
    ['a root that is not self-signed', shown, { ...roots, aws: issue(awsRoot, manufacturerRoot) }, "AWS's root is not a self-signed root"],
    ["only AWS's path", { ...shown, manufacturerHardware: issue(hardware, awsRoot) }, roots, "the manufacturer's hardware certificate is not issued"],
    ['an HSM under other hardware', { ...shown, hsm: issue(hsm, { ...hardware, key: authority.key }, { isAuthority: false }) }, roots, "the HSM's certificate is not issued"],
    ['hardware that may not issue', { ...shown, awsHardware: issue(hardware, awsRoot, { isAuthority: false }) }, roots, "the HSM's certificate is not issued"],
    ['an expired certificate', { ...shown, hsm: issue(hsm, hardware, { isAuthority: false, notAfter: now - 1000 }) }, roots, 'outside its validity'],
    ['a certificate from the future', { ...shown, hsm: issue(hsm, hardware, { isAuthority: false, notBefore: now + 60_000 }) }, roots, 'outside its validity'],
    ['a request for another key', { ...shown, signingRequest: signingRequest({ name: 'cluster', key: authority.key }) }, roots, 'for another key than the HSM has'],
    ['a request that its key did not sign', { ...shown, signingRequest: signingRequest({ name: 'cluster', key: hsm.key }, authority.key) }, roots, 'not signed by its own key'],
    ['a request that is cut off', { ...shown, signingRequest: shown.signingRequest.replace(/.{8}\n-----END/, '\n-----END') }, roots, 'DER element'],
  ])('%s is found and named', (_, certificates, configured, fault) => {
    expect(hardwareFault(certificates, configured, now)).toContain(fault);
  });
});

describe('certificates that AWS KMS signs', () => {
  const create = (secrets = new MemorySecrets(), kms = new MemoryKms()) => ({
    secrets,
    kms,
    authority: createKmsAuthority({ kms, secrets, keyId: 'ca', trustAnchorSecret: 'anchor', deployment: 'test' }),
  });

  test('are accepted by another implementation of X.509, which also reads the request', async () => {
    const made = await create().authority.certificatesFor(shown.signingRequest, now);

    const [anchor, cluster] = [new PeculiarCertificate(made.trustAnchor), new PeculiarCertificate(made.signedCertificate)];
    expect(await anchor.verify({ publicKey: anchor, date: new Date(now) })).toBe(true);
    expect(await cluster.verify({ publicKey: anchor, date: new Date(now) })).toBe(true);
    expect(anchor.getExtension(KeyUsagesExtension)?.usages).toBe(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign);
    expect(cluster.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(anchor.getExtension(SubjectKeyIdentifierExtension)?.keyId);
    expect(await new Pkcs10CertificateRequest(shown.signingRequest).verify()).toBe(true);
  });

  test('have the subject and key of the request, and are the same in what matters when a crash makes them again', async () => {
    const first = create();
    const one = await first.authority.certificatesFor(shown.signingRequest, now);
    const two = await first.authority.certificatesFor(shown.signingRequest, now + 60_000);

    const [a, b] = [new X509Certificate(one.signedCertificate), new X509Certificate(two.signedCertificate)];
    expect(a.subject).toBe('CN=cluster');
    expect(a.publicKey.equals(readSigningRequest(shown.signingRequest).publicKey)).toBe(true);
    expect([b.serialNumber, b.issuer, two.trustAnchor]).toEqual([a.serialNumber, a.issuer, one.trustAnchor]);
    expect([a.ca, new X509Certificate(one.trustAnchor).ca]).toEqual([false, true]);
  });

  test('an anchor in the secret that is of another key is not used', async () => {
    const { authority: made, secrets } = create();
    secrets.values.set('anchor', roots.aws);

    const { trustAnchor } = await made.certificatesFor(shown.signingRequest, now);

    expect(trustAnchor).not.toBe(roots.aws);
    expect(secrets.values.get('anchor')).toBe(trustAnchor);
  });
});

describe('DER', () => {
  test.each(['', '30', '3081', '308000', '30850000000001', '3001', '30010000'])('%s is refused', (hex) => {
    expect(() => readDer(Buffer.from(hex, 'hex'))).toThrow('DER');
  });
});
