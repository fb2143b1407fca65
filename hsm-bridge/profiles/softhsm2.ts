/** SoftHSM 2.6.1, as tried. */
import pkcs11 from 'pkcs11js';
import { outcomesWith } from './outcomes.ts';
import type { HsmProfile } from './profile.ts';

export const softhsm2: HsmProfile = {
  name: 'softhsm2',
  sessionFlags: pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION,
  sessionsMax: undefined,
  gcm: { mechanism: pkcs11.CKM_AES_GCM, iv: 'random', dataBytesMax: 1 << 20 },
  // It zero-pads to 8 bytes before RFC 5649: an HMAC_224 key comes back 4 zero bytes longer, which HMAC ignores (RFC 2104 pads with zeros).
  wrapMechanism: pkcs11.CKM_AES_KEY_WRAP_PAD,
  rsaKeyPairMechanism: pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN,
  // 2.6.1 answers CKR_ARGUMENTS_BAD to OAEP with anything but SHA-1.
  oaep: { RSAES_OAEP_SHA_1: 'hsm', RSAES_OAEP_SHA_256: 'unpad' },
  // After C_UnwrapKey CKA_VALUE_LEN is 0 and CKA_EC_POINT is absent, and PKCS #8 may have bytes behind it.
  imports: { aes: 'hsm', hmac: 'memory', rsa: 'memory', ec: 'memory' },
  ecdh: 'readable',
  kekAttributes: {
    // The security officer makes it, because only he may set CKA_TRUSTED, and he handles public objects only.
    [pkcs11.CKA_PRIVATE]: false,
    [pkcs11.CKA_MODIFIABLE]: false,
    [pkcs11.CKA_ALLOWED_MECHANISMS]: ulong(pkcs11.CKM_AES_KEY_WRAP_PAD),
  },
  quickJobs: new Set(['gcmEncrypt', 'gcmDecrypt', 'dataKey', 'mac', 'verifyMac', 'random', 'seal', 'checkSeals', 'deriveKey', 'destroy', 'check']),
  outcomes: outcomesWith({
    // A failed tag. Elsewhere the same value is a fault of the HSM.
    decrypt: [
      [pkcs11.CKR_GENERAL_ERROR, 'invalid-ciphertext'],
      [pkcs11.CKR_DATA_LEN_RANGE, 'invalid-ciphertext'],
    ],
    // Unpadding, integrity check and parsing all end in it.
    import: [[pkcs11.CKR_GENERAL_ERROR, 'invalid-ciphertext']],
  }),
};

/** One CK_ULONG as the module lays it out (64-bit little-endian). */
function ulong(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
