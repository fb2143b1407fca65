import { constants, createHash, createPublicKey, generateKeyPairSync, privateDecrypt, publicEncrypt, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeMaterialBinding, encodeRowSeal, type UnsealedMaterial } from '#bridge/binding.ts';
import { digestInfo, ecdsaSignature, ecPublicKeyInfo, octetString, parseEcdsaSignature, rsaPublicKeyInfo } from '#bridge/der.ts';
import { oaepDecode } from '#bridge/driver/oaep.ts';
import { callerClassOf } from '#bridge/server/caller-class.ts';
import { decodeFrame, encodeFrame } from '#shared/bridge-protocol.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';

const name = fc.string({ minLength: 1, maxLength: 20 }).filter((value) => value !== '$bytes' && value !== '__proto__');

test('every message survives a frame', () => {
  fc.assert(
    fc.property(fc.dictionary(name, fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.jsonValue({ noUnicodeString: false } as never))), (message) => {
      const plain = JSON.parse(JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? undefined : value))) as Record<string, unknown>;

      const decoded = decodeFrame(encodeFrame(message));

      for (const [key, value] of Object.entries(message)) {
        if (value instanceof Uint8Array) expect([...(decoded[key] as Uint8Array)]).toEqual([...value]);
        else expect(decoded[key]).toEqual(plain[key]);
      }
      expect(Object.keys(decoded).sort()).toEqual(Object.keys(message).sort());
    }),
  );
});

test('no bytes whatever crash the frame decoder in another way than an Error', () => {
  const frame = encodeFrame({ a: 1, b: Buffer.from('secret') });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.tuple(fc.nat(frame.length - 1), fc.nat(255)).map(([at, value]) => Buffer.from(frame).fill(value, at, at + 1)),
      ),
      (bytes) => {
        try {
          decodeFrame(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      },
    ),
  );
});

const material: UnsealedMaterial = {
  format: 1,
  account: '111122223333',
  region: 'eu-central-1',
  keyId: '00000000-0000-4000-8000-000000000000',
  version: 1,
  keySpec: 'RSA_2048',
  keyUsage: 'SIGN_VERIFY',
  origin: 'AWS_KMS',
  protection: 'HSM',
  epoch: 1,
  wrapMechanism: 'AES_KWP',
  createdAt: 1_700_000_000_000,
  publicKey: 'AAAA',
  wrapped: 'AQID',
};

test('the binding of a stored key never changes from one release to the next', () => {
  const digest = createHash('sha256').update(encodeMaterialBinding('default', material)).digest('hex');

  expect(digest).toBe('178a187ec18ce294980a276b3afc6e380b77f95858db10a20b5d9d3fae8cad7a');
});

test('every member of the material, and the domain, changes the binding', () => {
  const changes: Partial<KeyMaterial>[] = [
    { account: '111122223334' },
    { region: 'eu-central-2' },
    { keyId: '00000000-0000-4000-8000-000000000001' },
    { version: 2 },
    { keySpec: 'RSA_3072' },
    { keyUsage: 'ENCRYPT_DECRYPT' },
    { origin: 'EXTERNAL' },
    { protection: 'EXTERNAL' },
    { epoch: 2 },
    { createdAt: 1_700_000_000_001 },
    { publicKey: 'AAAB' },
    { publicKey: undefined },
    { wrapped: 'AQIE' },
    { format: 2 as 1 },
    { wrapMechanism: 'OTHER' as 'AES_KWP' },
  ];

  const encodings = [
    ...changes.map((change) => encodeMaterialBinding('default', { ...material, ...change })),
    encodeMaterialBinding('defaulu', material),
    encodeMaterialBinding('default', material),
  ].map((bytes) => bytes.toString('hex'));

  expect(new Set(encodings).size).toBe(changes.length + 2);
});

test('two different pairs of neighbouring fields never bind alike', () => {
  const texts = fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }));
  const encode = ([domain, account, region]: readonly [string, string, string]) => encodeMaterialBinding(domain, { ...material, account, region }).toString('hex');

  fc.assert(
    fc.property(
      texts,
      texts,
      (a, b) => (encode(a) === encode(b)) === (Buffer.from(a.join('\0')).equals(Buffer.from(b.join('\0'))) && a.every((part, at) => Buffer.from(part).equals(Buffer.from(b[at]!)))),
    ),
  );
});

test('a row seal binds the domain and takes 32 bytes only', () => {
  const digest = Buffer.alloc(32, 7);

  expect(encodeRowSeal('a', digest)).not.toEqual(encodeRowSeal('b', digest));
  expect(() => encodeRowSeal('a', digest.subarray(1))).toThrow(RangeError);
});

test.each(['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1'])('public keys and signatures on %s convert both ways', (namedCurve) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  const info = publicKey.export({ format: 'der', type: 'spki' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const oid = { prime256v1: '06082a8648ce3d030107', secp384r1: '06052b81040022', secp521r1: '06052b81040023', secp256k1: '06052b8104000a' }[namedCurve]!;

  expect(ecPublicKeyInfo(oid, octetString(point))).toEqual(info);
  expect(() => ecPublicKeyInfo(oid, point)).toThrow();
  for (let i = 0; i < 50; i++) {
    const rs = sign('sha256', Buffer.of(i), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const der = ecdsaSignature(rs);
    expect(verify('sha256', Buffer.of(i), publicKey, der)).toBe(true);
    expect(parseEcdsaSignature(der, rs.length / 2)).toEqual(rs);
  }
});

test.each([65, 97, 133])('a bare point of %i bytes is refused, whatever its second byte', (bytes) => {
  for (let second = 0; second < 256; second++) {
    const point = Buffer.alloc(bytes, 4);
    point[1] = second;
    expect(() => ecPublicKeyInfo('06052b81040022', point)).toThrow('not a point in an OCTET STRING');
  }
});

test.each([
  ['nothing', ''],
  ['another type', '3106020101020101'],
  ['bytes left over', '300602010102010100'],
  ['a length too long', '3007020101020101'],
  ['a negative integer', '3006020181020101'],
  ['an integer with a needless zero', '300702020001020101'],
  ['an empty integer', '30050200020101'],
  ['an integer wider than the order', `302702${'21'}01${'00'.repeat(32)}020101`],
  ['a long form that is not needed', '30810602010102010100'.slice(0, 18)],
])('a signature that is %s is not DER', (_, hex) => {
  expect(parseEcdsaSignature(Buffer.from(hex, 'hex'), 32)).toBeUndefined();
});

test('RSA public keys and DigestInfo are what node:crypto writes', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const digest = createHash('sha384').update('x').digest();
  const signature = sign('sha384', Buffer.from('x'), privateKey);

  const info = rsaPublicKeyInfo(Buffer.concat([Buffer.of(0), Buffer.from(n, 'base64url')]), Buffer.from(e, 'base64url'));
  const opened = createPublicKey({ key: info, format: 'der', type: 'spki' });

  expect(info).toEqual(publicKey.export({ format: 'der', type: 'spki' }));
  expect(publicEncrypt({ key: opened, padding: constants.RSA_NO_PADDING }, signature).toString('hex')).toContain(digestInfo('sha384', digest).toString('hex'));
});

test('OAEP removal agrees with node:crypto, and refuses every changed byte', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  for (const oaepHash of ['sha1', 'sha256'] as const) {
    for (const message of [Buffer.alloc(0), Buffer.from('m'), Buffer.alloc(62, 1)]) {
      const ciphertext = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, message);
      const encoded = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, ciphertext);

      expect(oaepDecode(Buffer.from(encoded), oaepHash)).toEqual(message);
      for (const at of encoded.keys()) {
        const changed = Buffer.from(encoded);
        changed[at]! ^= 1;
        expect(oaepDecode(changed, oaepHash)).not.toEqual(message);
      }
      expect(oaepDecode(Buffer.concat([Buffer.of(1), encoded.subarray(1)]), oaepHash)).toBeUndefined();
    }
  }
});

test.each([
  ['URI:spiffe://chatelaine/crypto', 'crypto'],
  ['DNS:host, URI:spiffe://chatelaine/audit', 'audit'],
  ['URI:spiffe://chatelaine/root', undefined],
  ['URI:spiffe://elsewhere/crypto', undefined],
  ['URI:spiffe://chatelaine/crypto, URI:spiffe://chatelaine/admin', undefined],
  ['DNS:spiffe://chatelaine/crypto', undefined],
  [undefined, undefined],
])('the alternative name %s is of caller class %s', (alternativeName, callerClass) => {
  expect(callerClassOf(alternativeName)).toBe(callerClass);
});
