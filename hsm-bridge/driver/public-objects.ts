import type { JsonWebKey } from 'node:crypto';
import pkcs11 from 'pkcs11js';
import { describeKeySpec, type KeySpec } from '#shared/algorithms/key-specs.ts';
import { octetString } from '../der.ts';
import type { Handle } from './module.ts';
import { publicKeyOf } from './public-keys.ts';
import { HsmError, type Sessions } from './sessions.ts';

const cacheMax = 64;

/** Public keys as session objects, for verification in the HSM. One small cache per thread. */
export class PublicObjects {
  readonly #handles = new Map<string, Handle>();

  /** @param publicKey base64 SubjectPublicKeyInfo. */
  use<T>(sessions: Sessions, publicKey: string, spec: KeySpec, action: (key: Handle) => T): T {
    try {
      return action(this.#handle(sessions, publicKey, spec));
    } catch (error) {
      if (!(error instanceof HsmError && error.outcome === 'stale-key')) throw error;
    }
    this.#handles.delete(publicKey);
    return action(this.#handle(sessions, publicKey, spec));
  }

  #handle(sessions: Sessions, publicKey: string, spec: KeySpec): Handle {
    const known = this.#handles.get(publicKey);
    if (known !== undefined) return known;
    const [oldest] = this.#handles;
    if (oldest !== undefined && this.#handles.size >= cacheMax) {
      this.#handles.delete(oldest[0]);
      sessions.own('other', (session) => sessions.module.C_DestroyObject(session, oldest[1]));
    }
    const template = publicObjectTemplate(publicKey, spec);
    const handle = sessions.own('other', (session) => sessions.module.C_CreateObject(session, template));
    this.#handles.set(publicKey, handle);
    return handle;
  }
}

function publicObjectTemplate(publicKey: string, spec: KeySpec) {
  const descriptor = describeKeySpec(spec);
  const jwk: JsonWebKey = publicKeyOf(publicKey).export({ format: 'jwk' });
  const part = (value: string | undefined) => Buffer.from(value ?? '', 'base64url');
  const common = [
    { type: pkcs11.CKA_CLASS, value: pkcs11.CKO_PUBLIC_KEY },
    { type: pkcs11.CKA_TOKEN, value: false },
    { type: pkcs11.CKA_PRIVATE, value: false },
    { type: pkcs11.CKA_VERIFY, value: true },
  ];
  if (descriptor.kind === 'ec') {
    const point = Buffer.concat([Buffer.of(4), part(jwk.x), part(jwk.y)]);
    return [
      ...common,
      { type: pkcs11.CKA_KEY_TYPE, value: pkcs11.CKK_EC },
      { type: pkcs11.CKA_EC_PARAMS, value: Buffer.from(descriptor.oidDer, 'hex') },
      { type: pkcs11.CKA_EC_POINT, value: octetString(point) },
    ];
  }
  return [
    ...common,
    { type: pkcs11.CKA_KEY_TYPE, value: pkcs11.CKK_RSA },
    { type: pkcs11.CKA_MODULUS, value: part(jwk.n) },
    { type: pkcs11.CKA_PUBLIC_EXPONENT, value: part(jwk.e) },
  ];
}
