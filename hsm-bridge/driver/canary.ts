import { timingSafeEqual } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { gcmDecrypt, gcmEncrypt } from './aes-gcm.ts';
import type { Driver } from './driver.ts';
import { domainHmac } from './mac.ts';
import { destroy } from './material.ts';
import { HsmError, withDomainKey } from './sessions.ts';
import { keyTemplate } from './templates.ts';

const message = Buffer.from('chatelaine canary');
let canaryKey: { wrapped: Buffer } | undefined;

/**
 * Uses every kind of key that requests depend on. A slot list or random bytes would prove nothing: SoftHSM gives both with its token gone.
 * @throws HsmError
 */
export function canary(driver: Driver): void {
  const { sessions } = driver;
  const { module, profile } = sessions;
  const epoch = driver.epochs[0]!;
  const wrap = { mechanism: profile.wrapMechanism };
  domainHmac(sessions, epoch.mac, message);
  const template = keyTemplate('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT');
  canaryKey ??= withDomainKey(() => {
    const sized = [...template, { type: pkcs11.CKA_VALUE_LEN, value: 32 }];
    const key = sessions.own('other', (session) => module.C_GenerateKey(session, { mechanism: pkcs11.CKM_AES_KEY_GEN }, sized));
    try {
      return { wrapped: sessions.operate('other', (session) => module.C_WrapKey(session, wrap, epoch.kek, key, Buffer.alloc(64))) };
    } finally {
      destroy(sessions, key);
    }
  });
  const { wrapped } = canaryKey;
  const key = withDomainKey(() => sessions.own('unwrap', (session) => module.C_UnwrapKey(session, wrap, epoch.kek, wrapped, template)));
  try {
    const { iv, ciphertext } = gcmEncrypt(sessions, key, message, message);
    if (!timingSafeEqual(gcmDecrypt(sessions, key, message, iv, ciphertext), message)) throw new HsmError('internal', 'the HSM decrypted wrongly');
  } finally {
    destroy(sessions, key);
  }
}
