/** Names of algorithms in JSON Web Keys: RFC 7518 sections 3.1 and 4.1, RFC 8037 section 3.1, RFC 8812 section 3.1. */
import type { KeySpec } from './key-specs.ts';

const names: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  RSASSA_PSS_SHA_256: 'PS256',
  RSASSA_PSS_SHA_384: 'PS384',
  RSASSA_PSS_SHA_512: 'PS512',
  RSASSA_PKCS1_V1_5_SHA_256: 'RS256',
  RSASSA_PKCS1_V1_5_SHA_384: 'RS384',
  RSASSA_PKCS1_V1_5_SHA_512: 'RS512',
  ECDSA_SHA_256: 'ES256',
  ECDSA_SHA_384: 'ES384',
  ECDSA_SHA_512: 'ES512',
  ED25519_SHA_512: 'EdDSA',
  RSAES_OAEP_SHA_1: 'RSA-OAEP',
  RSAES_OAEP_SHA_256: 'RSA-OAEP-256',
});

/** Undefined where JOSE has no name for it. */
export function joseAlgorithm(spec: KeySpec, algorithm: string): string | undefined {
  return spec === 'ECC_SECG_P256K1' ? 'ES256K' : names[algorithm];
}
