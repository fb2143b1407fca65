/** The return values that mean the same on every HSM. Research: aws-kms-xks-proxy's allow-list, and failures provoked on SoftHSM. */
import pkcs11 from 'pkcs11js';
import type { CallSite, Outcome } from './profile.ts';

const shared: readonly (readonly [number, Outcome])[] = [
  [pkcs11.CKR_KEY_HANDLE_INVALID, 'stale-key'],
  [pkcs11.CKR_OBJECT_HANDLE_INVALID, 'stale-key'],
  [pkcs11.CKR_WRAPPING_KEY_HANDLE_INVALID, 'token-lost'],
  [pkcs11.CKR_UNWRAPPING_KEY_HANDLE_INVALID, 'token-lost'],
  [pkcs11.CKR_SESSION_HANDLE_INVALID, 'stale-session'],
  [pkcs11.CKR_SESSION_CLOSED, 'stale-session'],
  [pkcs11.CKR_OPERATION_ACTIVE, 'stale-session'],
  [pkcs11.CKR_OPERATION_NOT_INITIALIZED, 'stale-session'],
  [pkcs11.CKR_DEVICE_ERROR, 'token-lost'],
  [pkcs11.CKR_DEVICE_REMOVED, 'token-lost'],
  [pkcs11.CKR_DEVICE_MEMORY, 'throttled'],
  [pkcs11.CKR_HOST_MEMORY, 'throttled'],
  [pkcs11.CKR_TOKEN_NOT_PRESENT, 'token-lost'],
  [pkcs11.CKR_TOKEN_NOT_RECOGNIZED, 'token-lost'],
  [pkcs11.CKR_USER_NOT_LOGGED_IN, 'token-lost'],
  [pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, 'token-lost'],
];

const ciphertext: readonly (readonly [number, Outcome])[] = [
  [pkcs11.CKR_ENCRYPTED_DATA_INVALID, 'invalid-ciphertext'],
  [pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE, 'invalid-ciphertext'],
  // CKR_AEAD_DECRYPT_FAILED of PKCS #11 3.0, which pkcs11js does not name.
  [0x35, 'invalid-ciphertext'],
];

/** The caller's wrapped material does not unwrap. */
const wrappedMaterial: readonly (readonly [number, Outcome])[] = [
  [pkcs11.CKR_WRAPPED_KEY_INVALID, 'invalid-ciphertext'],
  [pkcs11.CKR_WRAPPED_KEY_LEN_RANGE, 'invalid-ciphertext'],
  [pkcs11.CKR_DATA_INVALID, 'invalid-ciphertext'],
  [pkcs11.CKR_DATA_LEN_RANGE, 'invalid-ciphertext'],
  // The unwrapping key is a session key of the same job, not a domain key.
  [pkcs11.CKR_UNWRAPPING_KEY_HANDLE_INVALID, 'stale-session'],
];

/** @param special what this HSM answers differently, per call site. */
export function outcomesWith(special: Readonly<Partial<Record<CallSite, readonly (readonly [number, Outcome])[]>>>): Record<CallSite, ReadonlyMap<number, Outcome>> {
  return {
    decrypt: new Map([...shared, ...ciphertext, ...(special.decrypt ?? [])]),
    unwrap: new Map([...shared, ...(special.unwrap ?? [])]),
    import: new Map([...shared, ...ciphertext, ...wrappedMaterial, ...(special.import ?? [])]),
    other: new Map([...shared, ...(special.other ?? [])]),
  };
}
