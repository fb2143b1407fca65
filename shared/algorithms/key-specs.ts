/**
 * Key specs as data. Nothing else enumerates them: schemas, the bridge, the limits and the docs read this table.
 * Sources: AWS KMS API Reference (CreateKey, KeySpec); FIPS 186-5; SP 800-57 part 1 for the security strengths.
 */
export const keyUsages = ['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'GENERATE_VERIFY_MAC'] as const;
export type KeyUsage = (typeof keyUsages)[number];

export const signingAlgorithms = [
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

export const encryptionAlgorithms = ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const;
export type EncryptionAlgorithm = (typeof encryptionAlgorithms)[number];

export const macAlgorithms = ['HMAC_SHA_224', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512'] as const;
export type MacAlgorithm = (typeof macAlgorithms)[number];

export type ProtectionLevel = 'HSM' | 'HSM_SEALED_SEED' | 'EXTERNAL';

interface SpecBase {
  /** The usages that CreateKey accepts. The first is the default only where AWS defines one (`defaultUsage`). */
  readonly usages: readonly KeyUsage[];
  /** AWS demands an explicit KeyUsage for every spec but SYMMETRIC_DEFAULT. */
  readonly defaultUsage?: KeyUsage;
  readonly protection: ProtectionLevel;
  readonly signingAlgorithms?: readonly SigningAlgorithm[];
  readonly encryptionAlgorithms?: readonly EncryptionAlgorithm[];
  readonly macAlgorithms?: readonly MacAlgorithm[];
}
export interface AesSpec extends SpecBase {
  readonly kind: 'aes';
  readonly keyBytes: 32;
}
export interface RsaSpec extends SpecBase {
  readonly kind: 'rsa';
  readonly modulusBits: 2048 | 3072 | 4096;
}
export interface EcSpec extends SpecBase {
  readonly kind: 'ec';
  /** The name that node:crypto knows the curve by. */
  readonly curve: 'prime256v1' | 'secp384r1' | 'secp521r1' | 'secp256k1';
  /** DER of the curve's object identifier (CKA_EC_PARAMS), hexadecimal. */
  readonly oidDer: string;
  /** Bytes of the group order: the width of r and s. */
  readonly orderBytes: number;
}
export interface HmacSpec extends SpecBase {
  readonly kind: 'hmac';
  readonly keyBytes: number;
}
export type KeySpecDescriptor = AesSpec | RsaSpec | EcSpec | HmacSpec;

const rsa = (modulusBits: RsaSpec['modulusBits']) =>
  ({
    kind: 'rsa',
    modulusBits,
    usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
    protection: 'HSM',
    signingAlgorithms: ['RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_384', 'RSASSA_PKCS1_V1_5_SHA_512', 'RSASSA_PSS_SHA_256', 'RSASSA_PSS_SHA_384', 'RSASSA_PSS_SHA_512'],
    encryptionAlgorithms: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  }) as const satisfies RsaSpec;

const ec = <const A extends SigningAlgorithm>(curve: EcSpec['curve'], oidDer: string, orderBytes: number, algorithm: A) =>
  ({ kind: 'ec', curve, oidDer, orderBytes, usages: ['SIGN_VERIFY'], protection: 'HSM', signingAlgorithms: [algorithm] }) as const satisfies EcSpec;

const hmac = <const A extends MacAlgorithm>(keyBytes: number, algorithm: A) =>
  ({ kind: 'hmac', keyBytes, usages: ['GENERATE_VERIFY_MAC'], protection: 'HSM', macAlgorithms: [algorithm] }) as const satisfies HmacSpec;

const table = {
  SYMMETRIC_DEFAULT: {
    kind: 'aes',
    keyBytes: 32,
    usages: ['ENCRYPT_DECRYPT'],
    defaultUsage: 'ENCRYPT_DECRYPT',
    protection: 'HSM',
    encryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
  },
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  ECC_NIST_P256: ec('prime256v1', '06082a8648ce3d030107', 32, 'ECDSA_SHA_256'),
  ECC_NIST_P384: ec('secp384r1', '06052b81040022', 48, 'ECDSA_SHA_384'),
  ECC_NIST_P521: ec('secp521r1', '06052b81040023', 66, 'ECDSA_SHA_512'),
  ECC_SECG_P256K1: ec('secp256k1', '06052b8104000a', 32, 'ECDSA_SHA_256'),
  HMAC_224: hmac(28, 'HMAC_SHA_224'),
  HMAC_256: hmac(32, 'HMAC_SHA_256'),
  HMAC_384: hmac(48, 'HMAC_SHA_384'),
  HMAC_512: hmac(64, 'HMAC_SHA_512'),
} as const satisfies Record<string, KeySpecDescriptor>;

export type KeySpec = keyof typeof table;
export const keySpecs: readonly KeySpec[] = Object.keys(table) as KeySpec[];

/** Null prototype, so that a lookup cannot resolve to something inherited from Object.prototype. */
const descriptors: Record<KeySpec, KeySpecDescriptor> = Object.assign(Object.create(null), table);

export function describeKeySpec(spec: KeySpec): KeySpecDescriptor {
  return descriptors[spec];
}
