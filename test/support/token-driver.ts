/** The bridge's driver on a real token in this process, so that vectors can bring their own keys. */
import pkcs11 from 'pkcs11js';
import { loadDomainKeys } from '#bridge/driver/domain-keys.ts';
import type { Driver } from '#bridge/driver/driver.ts';
import { type Handle, loadModule } from '#bridge/driver/module.ts';
import { PublicObjects } from '#bridge/driver/public-objects.ts';
import { parsePrivateKey } from '#bridge/driver/seed-keys.ts';
import { Sessions } from '#bridge/driver/sessions.ts';
import { findSlot, login } from '#bridge/driver/token.ts';
import { softhsm2 } from '#bridge/profiles/softhsm2.ts';
import { createTestToken, type TestToken } from './token.ts';

type Attributes = readonly (readonly [number, boolean | number | Buffer])[];

export interface TokenDriver {
  readonly driver: Driver;
  /** A session object with the key of a vector. */
  install(attributes: Attributes): Handle;
  remove(): void;
}

export async function startTokenDriver(): Promise<TokenDriver> {
  const token: TestToken = await createTestToken();
  process.env.SOFTHSM2_CONF = token.configurationPath;
  const module = loadModule(token.modulePath);
  const slot = findSlot(module, token.label);
  const keeper = login(module, softhsm2, slot, token.userPin);
  const sessions = new Sessions(module, softhsm2, slot);
  const driver: Driver = { sessions, publicObjects: new PublicObjects(), domain: 'default', epochs: loadDomainKeys(module, softhsm2, keeper, 'default', 1) };
  const own = [pkcs11.CKA_TOKEN, pkcs11.CKA_SENSITIVE].map((type) => ({ type, value: false }));
  return {
    driver,
    install: (attributes) => sessions.own('other', (session) => module.C_CreateObject(session, [...own, ...attributes.map(([type, value]) => ({ type, value }))])),
    remove: () => token.remove(),
  };
}

export const secretKey = (keyType: number, value: Buffer, ...uses: number[]): Attributes => [
  [pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY],
  [pkcs11.CKA_KEY_TYPE, keyType],
  [pkcs11.CKA_EXTRACTABLE, true],
  [pkcs11.CKA_VALUE, value],
  ...uses.map((use) => [use, true] as const),
];

export function rsaPrivateKey(pkcs8: Buffer): Attributes {
  const jwk = parsePrivateKey(pkcs8).export({ format: 'jwk' }) as Record<string, string>;
  const part = (name: string) => Buffer.from(jwk[name] as string, 'base64url');
  return [
    [pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY],
    [pkcs11.CKA_KEY_TYPE, pkcs11.CKK_RSA],
    [pkcs11.CKA_DECRYPT, true],
    [pkcs11.CKA_MODULUS, part('n')],
    [pkcs11.CKA_PUBLIC_EXPONENT, part('e')],
    [pkcs11.CKA_PRIVATE_EXPONENT, part('d')],
    [pkcs11.CKA_PRIME_1, part('p')],
    [pkcs11.CKA_PRIME_2, part('q')],
    [pkcs11.CKA_EXPONENT_1, part('dp')],
    [pkcs11.CKA_EXPONENT_2, part('dq')],
    [pkcs11.CKA_COEFFICIENT, part('qi')],
  ];
}

export const ecPrivateKey = (oidDer: string, scalar: Buffer): Attributes => [
  [pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY],
  [pkcs11.CKA_KEY_TYPE, pkcs11.CKK_EC],
  [pkcs11.CKA_DERIVE, true],
  [pkcs11.CKA_EC_PARAMS, Buffer.from(oidDer, 'hex')],
  [pkcs11.CKA_VALUE, scalar],
];
