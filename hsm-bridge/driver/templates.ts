/** Attribute templates. They follow the authenticated spec and usage of the material, never the request. */
import pkcs11 from 'pkcs11js';
import { describeKeySpec, type KeySpec, type KeyUsage } from '#shared/algorithms/key-specs.ts';

type Template = { type: number; value: boolean | number | string | Buffer }[];

const attribute = (type: number, value: boolean | number | Buffer): Template[number] => ({ type, value });

/**
 * The KEK's unwrap template demands these four, repeated by the caller. Extractable only so that they can be wrapped, and by WRAP_WITH_TRUSTED
 * only by keys that the security officer trusts. CKA_EXTRACTABLE is explicit: HSMs differ in its default.
 */
const protectedSessionKey: Template = [
  attribute(pkcs11.CKA_TOKEN, false),
  attribute(pkcs11.CKA_SENSITIVE, true),
  attribute(pkcs11.CKA_EXTRACTABLE, true),
  attribute(pkcs11.CKA_WRAP_WITH_TRUSTED, true),
  attribute(pkcs11.CKA_PRIVATE, true),
];

const keyTypes = { aes: pkcs11.CKK_AES, hmac: pkcs11.CKK_GENERIC_SECRET, rsa: pkcs11.CKK_RSA, ec: pkcs11.CKK_EC } as const;

/** What the key may do. Everything else is refused explicitly, because the defaults of some HSMs allow it. */
function uses(spec: KeySpec, usage: KeyUsage): Template {
  const { kind } = describeKeySpec(spec);
  const encrypts = usage === 'ENCRYPT_DECRYPT';
  if (kind === 'rsa' || kind === 'ec') {
    const derives = usage === 'KEY_AGREEMENT';
    return [attribute(pkcs11.CKA_DECRYPT, encrypts), attribute(pkcs11.CKA_SIGN, !encrypts && !derives), attribute(pkcs11.CKA_DERIVE, derives)];
  }
  return [
    attribute(pkcs11.CKA_ENCRYPT, encrypts),
    attribute(pkcs11.CKA_DECRYPT, encrypts),
    attribute(pkcs11.CKA_SIGN, !encrypts),
    attribute(pkcs11.CKA_VERIFY, !encrypts),
    attribute(pkcs11.CKA_WRAP, false),
    attribute(pkcs11.CKA_UNWRAP, false),
    attribute(pkcs11.CKA_DERIVE, false),
  ];
}

/** For C_UnwrapKey, and for the secret half of C_GenerateKey and C_GenerateKeyPair. No CKA_VALUE_LEN: unwrapping refuses it. */
export function keyTemplate(spec: KeySpec, usage: KeyUsage): Template {
  const { kind } = describeKeySpec(spec);
  if (kind === 'seed') throw new Error(`${spec} is no object of the HSM`);
  const isPrivate = kind === 'rsa' || kind === 'ec';
  return [
    attribute(pkcs11.CKA_CLASS, isPrivate ? pkcs11.CKO_PRIVATE_KEY : pkcs11.CKO_SECRET_KEY),
    attribute(pkcs11.CKA_KEY_TYPE, keyTypes[kind]),
    ...protectedSessionKey,
    ...uses(spec, usage),
  ];
}

/** The private half of a wrapping key: generated, wrapped into an import token, and opened again for one import. */
export function wrappingKeyTemplate(): Template {
  return [
    attribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY),
    attribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_RSA),
    ...protectedSessionKey,
    attribute(pkcs11.CKA_DECRYPT, true),
    attribute(pkcs11.CKA_UNWRAP, true),
    attribute(pkcs11.CKA_SIGN, false),
    attribute(pkcs11.CKA_DERIVE, false),
  ];
}

/** The AES key of RSA_AES_KEY_WRAP. It lives as long as one import, and unwraps. */
export function transportKeyTemplate(): Template {
  return [
    attribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
    attribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
    attribute(pkcs11.CKA_TOKEN, false),
    attribute(pkcs11.CKA_PRIVATE, true),
    attribute(pkcs11.CKA_SENSITIVE, true),
    attribute(pkcs11.CKA_EXTRACTABLE, false),
    attribute(pkcs11.CKA_UNWRAP, true),
    attribute(pkcs11.CKA_WRAP, false),
    attribute(pkcs11.CKA_ENCRYPT, false),
    attribute(pkcs11.CKA_DECRYPT, false),
    attribute(pkcs11.CKA_SIGN, false),
    attribute(pkcs11.CKA_DERIVE, false),
  ];
}

/** The public half only lives until its attributes are read. */
export function publicKeyTemplate(spec: KeySpec, usage: KeyUsage): Template {
  const descriptor = describeKeySpec(spec);
  const common = [
    attribute(pkcs11.CKA_TOKEN, false),
    attribute(pkcs11.CKA_PRIVATE, false),
    attribute(pkcs11.CKA_VERIFY, usage === 'SIGN_VERIFY'),
    attribute(pkcs11.CKA_ENCRYPT, usage === 'ENCRYPT_DECRYPT'),
  ];
  if (descriptor.kind === 'ec') return [...common, attribute(pkcs11.CKA_EC_PARAMS, Buffer.from(descriptor.oidDer, 'hex'))];
  if (descriptor.kind !== 'rsa') throw new Error(`${spec} has no public key`);
  return [...common, attribute(pkcs11.CKA_MODULUS_BITS, descriptor.modulusBits), attribute(pkcs11.CKA_PUBLIC_EXPONENT, Buffer.of(1, 0, 1))];
}
