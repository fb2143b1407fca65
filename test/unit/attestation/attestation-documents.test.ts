import 'reflect-metadata';
import { generateKeyPairSync } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { verifyAttestation } from '#shared/attestation/attestation.ts';
import { AttestationFault } from '#shared/attestation/attestation-fault.ts';
import { configuredAttestationRoots } from '#shared/attestation/trusted-roots.ts';
import { type Cbor, cbor } from '#test/support/cbor.ts';
import { type CertificatePlan, createNitroAuthority, type NitroAuthority } from '#test/support/nitro-authority.ts';

const now = Date.UTC(2026, 0, 15, 12);
const bytes = (length: number): Buffer => Buffer.alloc(length, 7);
const spki = (bits: number, publicExponent = 65_537): Buffer =>
  generateKeyPairSync('rsa', { modulusLength: bits, publicExponent }).publicKey.export({ format: 'der', type: 'spki' });

let authority: NitroAuthority;
beforeAll(async () => {
  authority = await createNitroAuthority(now);
});

/** Empty when it is accepted. */
function faultOf(document: Uint8Array, roots: readonly string[] = [authority.root], at = now): string {
  try {
    verifyAttestation(document, roots, at);
    return '';
  } catch (error) {
    if (!(error instanceof AttestationFault)) throw error;
    return error.message;
  }
}

describe('a document', () => {
  test('with every field in its bounds is accepted, tagged and untagged, and tells what it says', () => {
    const pcrs = new Map(Array.from({ length: 32 }, (_, index) => [index, bytes([32, 48, 64][index % 3]!)]));
    const document = authority.document({ pcrs, changes: { user_data: bytes(512), nonce: bytes(0), module_id: 'x' } });

    const { moduleId, pcrs: read, publicKey } = verifyAttestation(document, [authority.root], now);

    expect({ moduleId, count: read.size, pcr31: read.get(31), type: publicKey.asymmetricKeyType }).toEqual({ moduleId: 'x', count: 32, pcr31: '07'.repeat(48), type: 'rsa' });
    expect(faultOf(Buffer.concat([Buffer.from([0xd2]), document]))).toBe('');
    expect(faultOf(authority.document({ changes: { user_data: undefined, nonce: undefined } }))).toBe('');
    expect(faultOf(authority.document({ publicKey: spki(4096) }))).toBe('');
  });

  const wrong: readonly (readonly [string, Readonly<Record<string, Cbor | undefined>>, string])[] = [
    ...['module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle'].flatMap((name) => [
      [`without ${name}`, { [name]: undefined }, 'a mandatory field is missing'] as const,
      [`with ${name} null`, { [name]: null }, 'of another type'] as const,
    ]),
    ['with a field of its own', { extra: 1 }, 'the payload has a length'],
    ['with a field of its own in the place of another', { nonce: undefined, extra: 1 }, 'not one of an attestation document'],
    ['of an empty module', { module_id: '' }, 'module_id has a length'],
    ['of another digest', { digest: 'SHA512' }, 'digest is not SHA384'],
    ['of the time 0', { timestamp: 0 }, 'timestamp is not greater than 0'],
    ['of a time before 1970', { timestamp: -1 }, 'timestamp is of another type'],
    ['of a time in words', { timestamp: 'now' }, 'timestamp is of another type'],
    ['without measurements', { pcrs: new Map() }, 'pcrs has a length'],
    ['with 33 measurements', { pcrs: new Map(Array.from({ length: 33 }, (_, index) => [index, bytes(48)])) }, 'pcrs has a length'],
    ['with PCR 32', { pcrs: new Map([[32, bytes(48)]]) }, 'greater than 31'],
    ['with PCR -1', { pcrs: new Map([[-1, bytes(48)]]) }, 'index of a PCR is of another type'],
    ['with a named PCR', { pcrs: new Map([['0', bytes(48)]]) }, 'index of a PCR is of another type'],
    ['with a PCR in words', { pcrs: new Map([[0, '7'.repeat(48)]]) }, 'a PCR is of another type'],
    ['with a PCR of 31 bytes', { pcrs: new Map([[0, bytes(31)]]) }, 'a PCR has a length'],
    ['with a PCR of 49 bytes', { pcrs: new Map([[0, bytes(49)]]) }, '32, 48 or 64 bytes'],
    ['with a PCR of 65 bytes', { pcrs: new Map([[0, bytes(65)]]) }, 'a PCR has a length'],
    ['with an empty bundle', { cabundle: [] }, 'cabundle has a length'],
    ['with a bundle of nine', { cabundle: Array.from({ length: 9 }, () => bytes(1)) }, 'cabundle has a length'],
    ['with an empty certificate in the bundle', { cabundle: [bytes(0)] }, 'an entry of cabundle has a length'],
    ['with a certificate of 1025 bytes', { certificate: bytes(1025) }, 'certificate has a length'],
    ['with bytes in the place of a certificate', { certificate: bytes(600) }, 'a certificate is malformed'],
    ['with an empty public key', { public_key: bytes(0) }, 'public_key has a length'],
    ['with a public key of 1025 bytes', { public_key: bytes(1025) }, 'public_key has a length'],
    ['with user data of 513 bytes', { user_data: bytes(513) }, 'user_data has a length'],
    ['with a nonce of 513 bytes', { nonce: bytes(513) }, 'nonce has a length'],
  ];
  test.each(wrong)('%s is refused, though its signature holds', (_, changes, fault) => {
    expect(faultOf(authority.document({ changes }))).toContain(fault);
  });

  test('without a public key, or with one that is no RSA key of 2048 to 4096 bits, is refused', () => {
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' });
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey.export({ format: 'der', type: 'spki' });

    expect(faultOf(authority.document({ publicKey: null }))).toBe('it has no public key');
    expect(faultOf(authority.document({ publicKey: bytes(300) }))).toContain('not a DER-encoded SubjectPublicKeyInfo');
    for (const publicKey of [spki(1024), spki(2048, 3), curve, pss, Buffer.concat([spki(2048), bytes(1)])]) {
      expect(faultOf(authority.document({ publicKey }))).toMatch(/not an RSA key of 2048 to 4096 bits|not a DER-encoded/);
    }
  });

  test('is refused when it is older than five minutes, or a minute ahead', () => {
    const ofAge = (age: number): string => faultOf(authority.document({ timestamp: now - age }));

    expect([ofAge(300_000), ofAge(300_001), ofAge(-60_000), ofAge(-60_001)]).toEqual(['', 'it is older than five minutes', '', 'it is from the future']);
  });

  test('with a field, or a PCR, twice is refused', () => {
    const whole = [...authority.fields()].filter(([name]) => name !== 'nonce' && name !== 'user_data');
    const pair = (name: string | number, value: Cbor): Buffer => Buffer.concat([cbor(name), cbor(value)]);
    const twice = Buffer.concat([Buffer.from([0xa0 | (whole.length + 1)]), ...whole.map(([name, value]) => pair(name, value)), pair('digest', 'SHA384')]);
    const pcrs = Buffer.concat([Buffer.from([0xa2]), pair(0, bytes(48)), pair(0, bytes(48))]);
    const pcrTwice = Buffer.concat([
      Buffer.from([0xa0 | whole.length]),
      ...whole.map(([name, value]) => (name === 'pcrs' ? Buffer.concat([cbor(name), pcrs]) : pair(name, value))),
    ]);

    expect(faultOf(authority.sign(twice))).toBe('digest is there twice');
    expect(faultOf(authority.sign(pcrTwice))).toBe('a PCR is there twice');
  });

  test('in another envelope than COSE_Sign1 with ES384 and no other header is refused', () => {
    const payload = cbor(authority.fields());
    const header = Buffer.from('a1013822', 'hex');
    const signature = authority.sign(payload).subarray(-96);
    const sealed = (...parts: Cbor[]): string => faultOf(cbor(parts));

    expect(sealed(header, new Map(), payload, signature)).toBe('');
    expect(sealed(Buffer.from('a1013823', 'hex'), new Map(), payload, signature)).toBe('the signature is not ES384');
    expect(sealed(Buffer.from('a2013822044101', 'hex'), new Map(), payload, signature)).toContain('the protected header has a length');
    expect(sealed(header, new Map([[4, bytes(1)]]), payload, signature)).toContain('the unprotected header has a length');
    expect(sealed(header, new Map(), payload, signature.subarray(1))).toContain('the signature has a length');
    expect(sealed(header, new Map(), bytes(16_385), signature)).toContain('the payload has a length');
    expect(sealed(header, new Map(), payload, bytes(96))).toBe('its signature does not hold');
    expect(sealed(header, new Map(), payload)).toContain('COSE_Sign1 has a length');
    expect(faultOf(Buffer.concat([cbor([header, new Map(), payload, signature]), bytes(1)]))).toBe('there is more after COSE_Sign1');
    expect(faultOf(authority.sign(Buffer.concat([payload, bytes(1)])))).toBe('there is more after the payload');
  });

  test('that is not in the shortest form, or of indefinite length, is refused', () => {
    const whole = authority.document();
    const longer = Buffer.concat([Buffer.from([0x98, 4]), whole.subarray(1)]);
    const indefinite = Buffer.concat([Buffer.from([0x9f]), whole.subarray(1), Buffer.from([0xff])]);

    expect(faultOf(longer)).toBe('COSE_Sign1 is not in its shortest form');
    expect(faultOf(indefinite)).toBe('COSE_Sign1 has no definite length');
  });

  test('of random bytes, and a whole one with random changes, is refused with a fault and nothing else', () => {
    const whole = authority.document();
    const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }));

    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => faultOf(random) !== ''),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uniqueArray(change, { minLength: 1, maxLength: 4, selector: ([at]) => at }), (changes) => {
        const changed = Buffer.from(whole);
        for (const [at, mask] of changes) changed[at]! ^= mask;
        return faultOf(changed) !== '';
      }),
      { numRuns: 1500 },
    );
  });
});

describe('a chain', () => {
  const unknown = new x509.Extension('1.2.3.4', true, new Uint8Array(2));
  const day = 86_400_000;
  const at = (place: number, change: Partial<CertificatePlan>) => (plan: CertificatePlan, index: number) => (index === place ? { ...plan, ...change } : plan);
  const notAuthority = 'a certificate of the bundle is not that of an authority';
  const notSigner = 'its certificate is not one for signing documents';
  const notValid = 'a certificate is not valid at this time';
  const notIssued = 'a certificate was not issued by the one before it';
  const wrong: readonly (readonly [string, (plan: CertificatePlan, index: number) => CertificatePlan, string])[] = [
    ...[0, 1, 2, 3].flatMap((place) => [
      [`certificate ${place} has expired`, at(place, { notAfter: new Date(now - 1000) }), notValid] as const,
      [`certificate ${place} is not valid yet`, at(place, { notBefore: new Date(now + 1000), notAfter: new Date(now + day) }), notValid] as const,
      // The signature of a document by such a key is shorter.
      [`certificate ${place} is on another curve`, at(place, { curve: 'P-256' }), place === 3 ? 'the signature has a length' : 'not for a key on P-384'] as const,
      [`certificate ${place} has a critical extension that is not known`, at(place, { extensions: [unknown] }), 'critical extension'] as const,
      [`certificate ${place} is signed with another hash`, at(place, { hash: 'SHA-256' }), 'not signed with ECDSA and SHA-384'] as const,
    ]),
    ...[1, 2, 3].flatMap((place) => [
      [`certificate ${place} is signed with another key`, at(place, { isForged: true }), notIssued] as const,
      [`certificate ${place} names another issuer`, at(place, { issuer: 'CN=somebody else' }), notIssued] as const,
    ]),
    ...[0, 1, 2].flatMap((place) => [
      [`certificate ${place} is no authority`, at(place, { isAuthority: false, pathLength: undefined }), notAuthority] as const,
      [`certificate ${place} may not sign certificates`, at(place, { usages: x509.KeyUsageFlags.digitalSignature }), notAuthority] as const,
      [`certificate ${place} does not say what it is`, at(place, { omitBasicConstraints: true }), notAuthority] as const,
    ]),
    ['the root allows one authority below it', at(0, { pathLength: 1 }), 'allows no chain of this length'],
    ['an authority allows none below it', at(1, { pathLength: 0 }), 'allows no chain of this length'],
    ['the last certificate is an authority', at(3, { isAuthority: true }), notSigner],
    ['the last certificate has a path length', at(3, { pathLength: 0 }), notSigner],
    ['the last certificate may not sign', at(3, { usages: x509.KeyUsageFlags.keyAgreement }), notSigner],
  ];

  test.each(wrong)('is refused when %s', async (_, change, fault) => {
    const broken = await createNitroAuthority(now, change);
    const document = broken.document();

    expect(faultOf(document, [broken.root])).toContain(fault);
  });

  test('that leaves out a link, or is of another root with the same names, is refused', async () => {
    const other = await createNitroAuthority(now);
    const bundle = authority.fields().get('cabundle') as Buffer[];
    const foreign = other.fields().get('cabundle') as Buffer[];

    expect(faultOf(authority.document({ changes: { cabundle: [bundle[0]!, bundle[1]!] } }))).toBe(notIssued);
    expect(faultOf(authority.document({ changes: { cabundle: [bundle[0]!, ...foreign.slice(1)] } }))).toBe(notIssued);
    expect(faultOf(other.document())).toBe('its root certificate is not trusted here');
    expect(faultOf(authority.document({ changes: { cabundle: bundle.slice(1) } }))).toBe('its root certificate is not trusted here');
    expect(faultOf(authority.document(), [other.root, authority.root])).toBe('');
  });
});

describe('CHATELAINE_ATTESTATION_ROOTS', () => {
  const published = '64:1A:03:21:A3:E2:44:EF:E4:56:46:31:95:D6:06:31:7E:D7:CD:CC:3C:17:56:E0:98:93:F3:C6:8F:79:BB:5B';

  test('is the fingerprint that AWS publishes when it is not set, and otherwise the list and nothing else', () => {
    expect(configuredAttestationRoots(undefined)).toEqual(configuredAttestationRoots(published));
    expect(configuredAttestationRoots(` ${'ab'.repeat(32)},\n${'CD'.repeat(32)} `)).toEqual(['ab'.repeat(32), 'cd'.repeat(32)]);
  });

  test.each(['AB', 'xy'.repeat(32), `${published}00`, '-----BEGIN'])('refuses %s', (text) => {
    expect(() => configuredAttestationRoots(text)).toThrow(/not the SHA-256 fingerprint/);
  });
});
