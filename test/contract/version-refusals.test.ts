/** Keys that cannot have versions: agreement, encapsulation, imported and symmetric ones. And what the key set of an imported key publishes. */
import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importRequest } from '#test/support/import-request.ts';
import { type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

const create = async (members: Members): Promise<string> => ((await app.must('CreateKey', members)).KeyMetadata as { KeyId: string }).KeyId;
const external = { Origin: 'EXTERNAL', KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' };
async function imported(): Promise<{ key: string; publicKey: string }> {
  const key = await create(external);
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  await app.must('ImportKeyMaterial', await importRequest(app, key, pair.privateKey.export({ format: 'der', type: 'pkcs8' })));
  return { key, publicKey: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64') };
}

const unversioned: Readonly<Record<string, () => Promise<string>>> = {
  'for key agreement': () => create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' }),
  'for encapsulation': () => create({ KeySpec: 'ML_KEM_768', KeyUsage: 'ENCAPSULATE_DECAPSULATE' }),
  'with imported material': async () => (await imported()).key,
  'with an imported HMAC secret': async () => {
    const key = await create({ Origin: 'EXTERNAL', KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    await app.must('ImportKeyMaterial', await importRequest(app, key));
    return key;
  },
  'that waits for its material': () => create(external),
  'that is symmetric': () => create({}),
};

describe.each(Object.entries(unversioned))('a key %s', (_, make) => {
  test.each([
    ['CreateKeyVersion', {}],
    ['PutKeyVersionRule', { AcceptDays: 30, RotationPeriodInDays: 90 }],
    ['UpdateKeyVersion', { Version: 1, State: 'DISABLED' }],
    ['GetKeyVersionPublicKey', { Version: 1 }],
    ['ListKeyVersions', {}],
  ] as const)('%s is refused and changes nothing', async (operation, members) => {
    const KeyId = await make();
    const before = await app.must('DescribeKey', { KeyId });

    const { code } = await app.call(operation, { KeyId, ...members });

    expect(code).toBe('UnsupportedOperationException');
    expect(await app.must('DescribeKey', { KeyId })).toEqual(before);
  });
});

describe('the JSON Web Key Set of an imported key', () => {
  const keysOf = async (KeyId: string): Promise<(JsonWebKey & Members)[]> => (await app.must('GetKeyJwks', { KeyId })).keys as (JsonWebKey & Members)[];

  test("holds its owner's public key, without the private half, under a name that stays", async () => {
    const { key, publicKey } = await imported();

    const [jwk, ...others] = await keysOf(key);

    expect(others).toEqual([]);
    expect(createPublicKey({ key: jwk!, format: 'jwk' }).export({ format: 'der', type: 'spki' }).toString('base64')).toBe(publicKey);
    expect(jwk).toMatchObject({ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256', kid: expect.stringMatching(/./) });
    expect(jwk).not.toHaveProperty('d');
    expect(await keysOf(key)).toEqual([jwk]);
  });

  test.each([
    ['before the import', async () => create(external)],
    [
      'after the material was deleted',
      async () => {
        const { key } = await imported();
        await app.must('DeleteImportedKeyMaterial', { KeyId: key });
        return key;
      },
    ],
  ])('%s there is none', async (_, make) => {
    const { code } = await app.call('GetKeyJwks', { KeyId: await make() });

    expect(code).toBe('KMSInvalidStateException');
  });
});
