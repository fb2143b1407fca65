/** The part of pkcs11js that the driver calls: synchronous forms only (docs/adr/0015). A test puts a strict recorder behind it. */
import pkcs11, { type PKCS11 } from 'pkcs11js';

export type Pkcs11Module = Pick<
  PKCS11,
  | 'C_Initialize'
  | 'C_GetSlotList'
  | 'C_GetTokenInfo'
  | 'C_GetMechanismList'
  | 'C_OpenSession'
  | 'C_CloseSession'
  | 'C_Login'
  | 'C_FindObjectsInit'
  | 'C_FindObjects'
  | 'C_FindObjectsFinal'
  | 'C_GetAttributeValue'
  | 'C_GenerateKey'
  | 'C_GenerateKeyPair'
  | 'C_WrapKey'
  | 'C_UnwrapKey'
  | 'C_DestroyObject'
  | 'C_EncryptInit'
  | 'C_Encrypt'
  | 'C_DecryptInit'
  | 'C_Decrypt'
  | 'C_SignInit'
  | 'C_Sign'
  | 'C_VerifyInit'
  | 'C_Verify'
  | 'C_CreateObject'
  | 'C_GenerateRandom'
>;

/** A CK_ULONG as pkcs11js passes it around. */
export type Handle = Buffer;

/** The module file cannot be loaded: a matter of the installation. */
export class ModuleMissing extends Error {
  override readonly name = 'ModuleMissing';
}

/** The token cannot be used at all: missing, not initialised, or the PIN is wrong. */
export class TokenUnavailable extends Error {
  override readonly name = 'TokenUnavailable';
}

/**
 * Loads the module and initialises it, unless another thread of this process has. Never finalised: C_Finalize under load crashes SoftHSM.
 * @throws ModuleMissing, TokenUnavailable
 */
export function loadModule(path: string): Pkcs11Module {
  const module = new pkcs11.PKCS11();
  try {
    module.load(path);
  } catch (error) {
    throw new ModuleMissing(`the PKCS #11 module ${path} cannot be loaded: ${describe(error)}`, { cause: error });
  }
  try {
    module.C_Initialize({ flags: pkcs11.CKF_OS_LOCKING_OK });
  } catch (error) {
    if (returnValue(error) !== pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) throw new TokenUnavailable(`the HSM does not start: ${describe(error)}`, { cause: error });
  }
  return module;
}

/** CKR code of an error of pkcs11js, undefined for any other error. */
export function returnValue(error: unknown): number | undefined {
  if (error instanceof pkcs11.Pkcs11Error) return error.code;
  return undefined;
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
