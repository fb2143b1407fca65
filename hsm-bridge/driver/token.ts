import pkcs11 from 'pkcs11js';
import type { HsmProfile } from '../profiles/profile.ts';
import { describe, type Handle, type Pkcs11Module, returnValue, TokenUnavailable } from './module.ts';

/** @throws TokenUnavailable */
export function findSlot(module: Pkcs11Module, label: string): Handle {
  let slots: Handle[];
  try {
    slots = module.C_GetSlotList(true);
  } catch (error) {
    throw new TokenUnavailable(`the HSM lists no slots: ${describe(error)}`, { cause: error });
  }
  const slot = slots.find((candidate) => labelOf(module, candidate) === label);
  if (slot === undefined) throw new TokenUnavailable(`no token is labelled ${JSON.stringify(label)}`);
  return slot;
}

/**
 * The keeper session holds the login for the whole process; it runs no cryptography.
 * @throws TokenUnavailable
 */
export function login(module: Pkcs11Module, profile: HsmProfile, slot: Handle, pin: string): Handle {
  try {
    const keeper = module.C_OpenSession(slot, profile.sessionFlags);
    try {
      module.C_Login(keeper, pkcs11.CKU_USER, pin);
    } catch (error) {
      if (returnValue(error) !== pkcs11.CKR_USER_ALREADY_LOGGED_IN) throw error;
    }
    return keeper;
  } catch (error) {
    throw new TokenUnavailable(`login failed: ${describe(error)}`, { cause: error });
  }
}

/** A profile that names a mechanism which this HSM lacks would fail at the first request instead of now. */
export function missingMechanisms(module: Pkcs11Module, profile: HsmProfile, slot: Handle): string[] {
  const present = new Set(module.C_GetMechanismList(slot).map((mechanism) => mechanism >>> 0));
  const needed: Record<string, number> = {
    'AES-GCM': profile.gcm.mechanism,
    'AES key wrap': profile.wrapMechanism,
    'RSA key pairs': profile.rsaKeyPairMechanism,
    'EC key pairs': pkcs11.CKM_EC_KEY_PAIR_GEN,
    ECDSA: pkcs11.CKM_ECDSA,
    'RSA PKCS #1': pkcs11.CKM_RSA_PKCS,
    'RSA PSS': pkcs11.CKM_RSA_PKCS_PSS,
    'RSA OAEP': pkcs11.CKM_RSA_PKCS_OAEP,
    'HMAC-SHA-256': pkcs11.CKM_SHA256_HMAC,
  };
  return Object.entries(needed)
    .filter(([, mechanism]) => !present.has(mechanism >>> 0))
    .map(([name]) => name);
}

function labelOf(module: Pkcs11Module, slot: Handle): string | undefined {
  try {
    return module.C_GetTokenInfo(slot).label.trimEnd();
  } catch {
    return undefined;
  }
}
