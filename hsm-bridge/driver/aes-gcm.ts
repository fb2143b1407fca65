import pkcs11 from 'pkcs11js';
import type { Handle } from './module.ts';
import { HsmError, type Sessions } from './sessions.ts';

const ivBytes = 12;
const tagBytes = 16;
const none = Buffer.alloc(0);
/** Of this thread, read by each C_EncryptInit and C_DecryptInit while it runs: a job need not make its own. */
const parameter: { type: number; iv: Buffer; aad: Buffer; ivBits: number; tagBits: number } = {
  type: pkcs11.CK_PARAMS_AES_GCM_v240,
  iv: none,
  aad: none,
  ivBits: 0,
  tagBits: tagBytes * 8,
};
const gcm = { mechanism: 0, parameter };

/** AES-256-GCM with an IV that only the HSM's generator chooses (SP 800-38D section 8.2.2). */
export function gcmEncrypt(sessions: Sessions, key: Handle, aad: Buffer, plaintext: Buffer): { iv: Buffer; ciphertext: Buffer } {
  const { module, profile } = sessions;
  const { mechanism, iv: ivMode } = profile.gcm;
  return sessions.operate('other', (session) => {
    const iv = ivMode === 'random' ? freshIv(sessions, session) : none;
    const out = sessions.arena.take(plaintext.length + tagBytes + (ivMode === 'prepended' ? ivBytes : 0));
    module.C_EncryptInit(session, gcmMechanism(mechanism, iv, aad), key);
    const sealed = module.C_Encrypt(session, plaintext, out);
    if (ivMode === 'random') return { iv, ciphertext: sealed };
    const chosen = sealed.subarray(0, ivBytes);
    if (sealed.length !== out.length || chosen.every((byte) => byte === 0)) throw new HsmError('internal', 'the HSM did not choose an IV');
    return { iv: chosen, ciphertext: sealed.subarray(ivBytes) };
  });
}

/** @throws HsmError 'invalid-ciphertext' when tag, additional data, IV or key do not fit. */
export function gcmDecrypt(sessions: Sessions, key: Handle, aad: Buffer, iv: Buffer, ciphertext: Buffer): Buffer {
  if (iv.length !== ivBytes || ciphertext.length < tagBytes) throw new HsmError('invalid-ciphertext', 'not AES-GCM parts');
  const { module, profile } = sessions;
  const prepended = profile.gcm.iv === 'prepended';
  const input = prepended ? Buffer.concat([iv, ciphertext]) : ciphertext;
  return sessions.operate('decrypt', (session) => {
    module.C_DecryptInit(session, gcmMechanism(profile.gcm.mechanism, prepended ? none : iv, aad), key);
    return module.C_Decrypt(session, input, sessions.arena.take(input.length));
  });
}

function freshIv(sessions: Sessions, session: Handle): Buffer {
  const iv = sessions.arena.take(ivBytes);
  sessions.module.C_GenerateRandom(session, iv);
  return iv;
}

function gcmMechanism(mechanism: number, iv: Buffer, aad: Buffer): typeof gcm {
  gcm.mechanism = mechanism;
  parameter.iv = iv;
  parameter.aad = aad;
  parameter.ivBits = iv.length * 8;
  return gcm;
}
