/** ECDH, raw (SP 800-56A section 5.7.1.2): the HSM multiplies, the driver reads the x-coordinate, which goes to the caller by design. */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { describeKeySpec, type EcSpec, type KeySpec } from '#shared/algorithms/key-specs.ts';
import { ecPointInfo } from '../der.ts';
import { destroy } from './material.ts';
import type { Handle } from './module.ts';
import { HsmError, type Sessions } from './sessions.ts';

/**
 * The other side's public key: a named curve that must be the key's own, a point on it, not the point at infinity. Its form is compared byte by byte
 * before OpenSSL sees it, so explicit curve parameters (CVE-2020-0601) never get that far.
 * @returns the uncompressed point, or undefined when the key does not fit.
 */
export function peerPoint(spec: KeySpec, publicKeyInfo: Uint8Array): Buffer | undefined {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind !== 'ec' || !hasPlainForm(descriptor, publicKeyInfo)) return undefined;
  let jwk: JsonWebKey;
  try {
    jwk = createPublicKey({ key: Buffer.from(publicKeyInfo), format: 'der', type: 'spki' }).export({ format: 'jwk' });
  } catch {
    return undefined;
  }
  const point = Buffer.concat([Buffer.of(0x04), Buffer.from(jwk.x ?? '', 'base64url'), Buffer.from(jwk.y ?? '', 'base64url')]);
  return point.length === 1 + 2 * descriptor.orderBytes ? point : undefined;
}

/** On the curves that agree on keys the field is as wide as the order. */
function hasPlainForm({ oidDer, orderBytes }: EcSpec, publicKeyInfo: Uint8Array): boolean {
  return [1 + 2 * orderBytes, 1 + orderBytes].some((pointBytes) => {
    if (publicKeyInfo.length < pointBytes) return false;
    const point = publicKeyInfo.subarray(publicKeyInfo.length - pointBytes);
    return ecPointInfo(oidDer, point).equals(publicKeyInfo);
  });
}

export function demandKeyAgreement({ profile }: Sessions): void {
  if (profile.ecdh === 'unavailable') throw new HsmError('unsupported', `profile ${profile.name} does not give out raw ECDH secrets`);
}

/** @param point of peerPoint. @returns Z, as wide as the field, in the job's arena */
export function deriveSharedSecret(sessions: Sessions, key: Handle, spec: KeySpec, point: Buffer): Buffer {
  demandKeyAgreement(sessions);
  const { orderBytes } = describeKeySpec(spec) as EcSpec;
  const { module } = sessions;
  const mechanism = { mechanism: pkcs11.CKM_ECDH1_DERIVE, parameter: { type: pkcs11.CK_PARAMS_EC_DH, kdf: pkcs11.CKD_NULL, publicData: point } };
  const template = [
    { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_SECRET_KEY },
    { type: pkcs11.CKA_KEY_TYPE, value: pkcs11.CKK_GENERIC_SECRET },
    { type: pkcs11.CKA_TOKEN, value: false },
    { type: pkcs11.CKA_PRIVATE, value: true },
    { type: pkcs11.CKA_SENSITIVE, value: false },
    { type: pkcs11.CKA_EXTRACTABLE, value: true },
    { type: pkcs11.CKA_VALUE_LEN, value: orderBytes },
  ];
  const derived = sessions.own('other', (session) => module.C_DeriveKey(session, mechanism, key, template));
  try {
    const value = sessions.operate('other', (session) => module.C_GetAttributeValue(session, derived, [{ type: pkcs11.CKA_VALUE }]))[0]?.value as Buffer;
    if (value.length > orderBytes || value.length === 0) throw new HsmError('internal', 'the HSM derived a secret of a wrong length');
    const secret = sessions.arena.take(orderBytes);
    value.copy(secret, orderBytes - value.length);
    value.fill(0);
    return secret;
  } finally {
    destroy(sessions, derived);
  }
}
