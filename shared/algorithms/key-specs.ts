/**
 * Key specs as data. Nothing else enumerates them: schemas, the bridge, the limits and the docs read this table.
 * Sources: AWS KMS API Reference (CreateKey, KeySpec); FIPS 186-5, 203, 204; SP 800-57 part 1 for the security strengths.
 */
export const keyUsages = ['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT', 'ENCAPSULATE_DECAPSULATE'] as const;
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
  'ED25519_SHA_512',
  'ED25519_PH_SHA_512',
  'ML_DSA_SHAKE_256',
] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

export const encryptionAlgorithms = ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const;
export type EncryptionAlgorithm = (typeof encryptionAlgorithms)[number];

export const macAlgorithms = ['HMAC_SHA_224', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512'] as const;
export type MacAlgorithm = (typeof macAlgorithms)[number];

export const keyAgreementAlgorithms = ['ECDH'] as const;
export type KeyAgreementAlgorithm = (typeof keyAgreementAlgorithms)[number];

export const encapsulationAlgorithms = ['ML_KEM'] as const;
export type EncapsulationAlgorithm = (typeof encapsulationAlgorithms)[number];

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
  readonly keyAgreementAlgorithms?: readonly KeyAgreementAlgorithm[];
  readonly encapsulationAlgorithms?: readonly EncapsulationAlgorithm[];
  /** GenerateDataKeyPair makes pairs of this spec. */
  readonly dataKeyPair?: true;
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
/** The HSM makes and seals a seed; the bridge expands it for each use (docs/adr/0019). */
export interface SeedSpec extends SpecBase {
  readonly kind: 'seed';
  readonly protection: 'HSM_SEALED_SEED';
  /** The name that node:crypto knows the algorithm by. */
  readonly nodeType: 'ed25519' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87' | 'ml-kem-512' | 'ml-kem-768' | 'ml-kem-1024';
  readonly seedBytes: 32 | 64;
  /** DER of the AlgorithmIdentifier (RFC 8410, 9881, 9935), hexadecimal. */
  readonly algorithmDer: string;
  /** What stands before the seed inside PKCS #8's privateKey, hexadecimal. */
  readonly seedPrefixDer: string;
  /** Encapsulated secrets of a KEM. FIPS 203 table 3. */
  readonly encapsulationBytes?: number;
}
export type KeySpecDescriptor = AesSpec | RsaSpec | EcSpec | HmacSpec | SeedSpec;

const rsa = (modulusBits: RsaSpec['modulusBits']) =>
  ({
    kind: 'rsa',
    modulusBits,
    usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
    protection: 'HSM',
    signingAlgorithms: ['RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_384', 'RSASSA_PKCS1_V1_5_SHA_512', 'RSASSA_PSS_SHA_256', 'RSASSA_PSS_SHA_384', 'RSASSA_PSS_SHA_512'],
    encryptionAlgorithms: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
    dataKeyPair: true,
  }) as const satisfies RsaSpec;

const ec = <const A extends SigningAlgorithm>(curve: EcSpec['curve'], oidDer: string, orderBytes: number, algorithm: A) =>
  ({ kind: 'ec', curve, oidDer, orderBytes, usages: ['SIGN_VERIFY'], protection: 'HSM', signingAlgorithms: [algorithm], dataKeyPair: true }) as const satisfies EcSpec;
/** The NIST curves also agree on secrets. */
const nist = <const A extends SigningAlgorithm>(curve: EcSpec['curve'], oidDer: string, orderBytes: number, algorithm: A) =>
  ({ ...ec(curve, oidDer, orderBytes, algorithm), usages: ['SIGN_VERIFY', 'KEY_AGREEMENT'], keyAgreementAlgorithms: ['ECDH'] }) as const satisfies EcSpec;

const hmac = <const A extends MacAlgorithm>(keyBytes: number, algorithm: A) =>
  ({ kind: 'hmac', keyBytes, usages: ['GENERATE_VERIFY_MAC'], protection: 'HSM', macAlgorithms: [algorithm] }) as const satisfies HmacSpec;

const mlDsa = <const N extends SeedSpec['nodeType']>(nodeType: N, algorithmDer: string) =>
  ({
    kind: 'seed',
    nodeType,
    seedBytes: 32,
    algorithmDer,
    seedPrefixDer: '8020',
    usages: ['SIGN_VERIFY'],
    protection: 'HSM_SEALED_SEED',
    signingAlgorithms: ['ML_DSA_SHAKE_256'],
  }) as const satisfies SeedSpec;

const mlKem = <const N extends SeedSpec['nodeType']>(nodeType: N, algorithmDer: string, encapsulationBytes: number) =>
  ({
    kind: 'seed',
    nodeType,
    seedBytes: 64,
    algorithmDer,
    seedPrefixDer: '8040',
    encapsulationBytes,
    usages: ['ENCAPSULATE_DECAPSULATE'],
    protection: 'HSM_SEALED_SEED',
    encapsulationAlgorithms: ['ML_KEM'],
    dataKeyPair: true,
  }) as const satisfies SeedSpec;

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
  ECC_NIST_P256: nist('prime256v1', '06082a8648ce3d030107', 32, 'ECDSA_SHA_256'),
  ECC_NIST_P384: nist('secp384r1', '06052b81040022', 48, 'ECDSA_SHA_384'),
  ECC_NIST_P521: nist('secp521r1', '06052b81040023', 66, 'ECDSA_SHA_512'),
  ECC_SECG_P256K1: ec('secp256k1', '06052b8104000a', 32, 'ECDSA_SHA_256'),
  ECC_NIST_EDWARDS25519: {
    kind: 'seed',
    nodeType: 'ed25519',
    seedBytes: 32,
    algorithmDer: '300506032b6570',
    seedPrefixDer: '0420',
    usages: ['SIGN_VERIFY'],
    protection: 'HSM_SEALED_SEED',
    signingAlgorithms: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'],
    dataKeyPair: true,
  },
  HMAC_224: hmac(28, 'HMAC_SHA_224'),
  HMAC_256: hmac(32, 'HMAC_SHA_256'),
  HMAC_384: hmac(48, 'HMAC_SHA_384'),
  HMAC_512: hmac(64, 'HMAC_SHA_512'),
  ML_DSA_44: mlDsa('ml-dsa-44', '300b0609608648016503040311'),
  ML_DSA_65: mlDsa('ml-dsa-65', '300b0609608648016503040312'),
  ML_DSA_87: mlDsa('ml-dsa-87', '300b0609608648016503040313'),
  ML_KEM_512: mlKem('ml-kem-512', '300b0609608648016503040401', 768),
  ML_KEM_768: mlKem('ml-kem-768', '300b0609608648016503040402', 1088),
  ML_KEM_1024: mlKem('ml-kem-1024', '300b0609608648016503040403', 1568),
} as const satisfies Record<string, KeySpecDescriptor>;

export type KeySpec = keyof typeof table;
export const keySpecs: readonly KeySpec[] = Object.keys(table) as KeySpec[];

/** Null prototype, so that a lookup cannot resolve to something inherited from Object.prototype. */
const descriptors: Record<KeySpec, KeySpecDescriptor> = Object.assign(Object.create(null), table);

export function describeKeySpec(spec: KeySpec): KeySpecDescriptor {
  return descriptors[spec];
}

/** A spec whose private half is a sealed seed, with its own row. */
export function describeSeedSpec(spec: KeySpec): SeedSpec {
  const descriptor = descriptors[spec];
  if (descriptor.kind !== 'seed') throw new Error(`${spec} is no seed spec`);
  return descriptor;
}

export const isSeedSpec = (spec: KeySpec): boolean => descriptors[spec].kind === 'seed';

/** The specs of GenerateDataKeyPair. */
export const dataKeyPairSpecs: readonly KeySpec[] = keySpecs.filter((spec) => descriptors[spec].dataKeyPair === true);
