/**
 * A PKCS #11 module that breaks off at the first call which AWS CloudHSM's documentation (client SDK 5, hsm2m.medium in FIPS mode) does not allow,
 * and simulates the rest with node:crypto, so that round trips work. It proves obedience to what is written, not that a cluster agrees.
 */
import { randomFillSync } from 'node:crypto';
import pkcs11, { type Attribute, type Mechanism } from 'pkcs11js';
import type { Handle, Pkcs11Module } from '#bridge/driver/module.ts';
import { type SimulatedKey, simulation } from './pkcs11-simulation.ts';

type Attributes = Map<number, boolean | number | string | Buffer>;
interface StoredObject {
  readonly attributes: Attributes;
  readonly key: SimulatedKey;
  /** Undefined for token objects. */
  readonly session: bigint | undefined;
}
interface Session {
  running: { kind: string; mechanism: Mechanism; key: StoredObject } | undefined;
}

const CLOUDHSM_GCM = 0x80001087;
const CLOUDHSM_WRAPS: readonly number[] = [0x80002109, 0x8000210a, 0x8000216f];
const sessionsMax = 1024;
const dataBytesMax = 16_224;
const objectsMax = 16_666;
const curves: readonly string[] = ['06082a8648ce3d030107', '06052b81040022', '06052b81040023', '06052b8104000a', '06052b81040021'];
const operationMechanisms: Readonly<Record<string, readonly number[]>> = {
  encrypt: [CLOUDHSM_GCM],
  decrypt: [CLOUDHSM_GCM, pkcs11.CKM_RSA_PKCS_OAEP],
  sign: [pkcs11.CKM_ECDSA, pkcs11.CKM_RSA_PKCS, pkcs11.CKM_RSA_PKCS_PSS, pkcs11.CKM_SHA224_HMAC, pkcs11.CKM_SHA256_HMAC, pkcs11.CKM_SHA384_HMAC, pkcs11.CKM_SHA512_HMAC],
  verify: [pkcs11.CKM_ECDSA, pkcs11.CKM_RSA_PKCS, pkcs11.CKM_RSA_PKCS_PSS],
};
const permissions: Readonly<Record<string, number>> = {
  encrypt: pkcs11.CKA_ENCRYPT,
  decrypt: pkcs11.CKA_DECRYPT,
  sign: pkcs11.CKA_SIGN,
  verify: pkcs11.CKA_VERIFY,
  wrap: pkcs11.CKA_WRAP,
  unwrap: pkcs11.CKA_UNWRAP,
};
/** Not in the documentation's attribute tables, so reading or setting them is a broken rule. */
const unknownAttributes: readonly number[] = [pkcs11.CKA_ALLOWED_MECHANISMS, pkcs11.CKA_MODIFIABLE, pkcs11.CKA_COPYABLE];

/** A documented rule was broken: fails the test, unlike a return value, which the driver may handle. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken';
}
const demand = (holds: boolean, rule: string): void => {
  if (!holds) throw new RuleBroken(rule);
};
export const returnWith = (name: string, code: number): Error => new pkcs11.Pkcs11Error(`${name}:${code}`, code);
const numberOf = (handle: Handle): bigint => handle.readBigUInt64LE();

export class RuleRecorder {
  readonly calls: string[] = [];
  readonly #sessions = new Map<bigint, Session>();
  readonly #objects = new Map<bigint, StoredObject>();
  readonly #failures = new Map<string, Error[]>();
  #next = 1n;
  #search: Handle[] = [];

  /** What the driver talks to. Any call outside it is a broken rule: C_CopyObject, C_SetAttributeValue, the Async forms. */
  readonly module: Pkcs11Module = new Proxy({} as Pkcs11Module, {
    get: (_, name) => {
      const call = (this as unknown as Record<string | symbol, unknown>)[name];
      if (typeof call !== 'function' || !String(name).startsWith('C_')) throw new RuleBroken(`${String(name)} is not in the supported API`);
      return (...args: unknown[]) => {
        this.calls.push(String(name));
        const failure = this.#failures.get(String(name))?.shift();
        if (failure !== undefined) throw failure;
        return call.apply(this, args);
      };
    },
  });

  /** The next call of this name returns that value. */
  failNext(name: string, failure: Error): void {
    this.#failures.set(name, [...(this.#failures.get(name) ?? []), failure]);
  }
  get sessionCount(): number {
    return this.#sessions.size;
  }
  get sessionObjectCount(): number {
    return [...this.#objects.values()].filter(({ session }) => session !== undefined).length;
  }
  /** As the administrator: a token object. */
  install(key: SimulatedKey, attributes: Record<number, boolean | number | string | Buffer>): Handle {
    const values = Object.entries(attributes).map(([type, value]) => [Number(type), value] as const);
    return this.#store({ attributes: new Map([...values, [pkcs11.CKA_TOKEN, true]]), key, session: undefined });
  }
  /** As an HSM that died: its session keys are gone. */
  loseSessionKeys(): void {
    for (const [handle, { session }] of this.#objects) if (session !== undefined) this.#objects.delete(handle);
  }

  C_OpenSession(_slot: Handle, flags: number): Handle {
    demand((flags & pkcs11.CKF_RW_SESSION) !== 0 && (flags & pkcs11.CKF_SERIAL_SESSION) !== 0, 'sessions must be CKF_RW_SESSION | CKF_SERIAL_SESSION');
    demand(this.#sessions.size < sessionsMax, 'at most 1,024 sessions');
    const handle = this.#handle();
    this.#sessions.set(numberOf(handle), { running: undefined });
    return handle;
  }
  C_CloseSession(session: Handle): void {
    this.#session(session);
    this.#sessions.delete(numberOf(session));
    for (const [handle, object] of this.#objects) if (object.session === numberOf(session)) this.#objects.delete(handle);
  }
  C_GenerateRandom(session: Handle, target: Buffer): Buffer {
    this.#session(session);
    return randomFillSync(target);
  }
  C_FindObjectsInit(session: Handle, template: Attribute[]): void {
    this.#session(session);
    const fits = ({ attributes }: StoredObject) => template.every(({ type, value }) => attributes.get(type) === value);
    this.#search = [...this.#objects].filter(([, object]) => fits(object)).map(([handle]) => toHandle(handle));
  }
  C_FindObjects(_session: Handle, max: number): Handle[] {
    return this.#search.slice(0, max);
  }
  C_FindObjectsFinal(): void {
    this.#search = [];
  }
  C_GetAttributeValue(_session: Handle, object: Handle, template: Attribute[]): { type: number; value: Buffer }[] {
    const { attributes, key } = this.#object(object, 'CKR_OBJECT_HANDLE_INVALID', pkcs11.CKR_OBJECT_HANDLE_INVALID);
    return template.map(({ type }) => {
      demand(!unknownAttributes.includes(type), `attribute ${type} is not documented`);
      const value = attributes.get(type) ?? simulation.publicAttribute(key, type);
      if (value === undefined) throw returnWith('CKR_ATTRIBUTE_TYPE_INVALID', pkcs11.CKR_ATTRIBUTE_TYPE_INVALID);
      if (typeof value === 'boolean') return { type, value: Buffer.of(value ? 1 : 0) };
      return { type, value: typeof value === 'number' ? toHandle(BigInt(value)) : Buffer.from(value) };
    });
  }
  C_GenerateKey(session: Handle, { mechanism }: Mechanism, template: Attribute[]): Handle {
    const attributes = this.#newObject(session, template, true);
    const length = Number(attributes.get(pkcs11.CKA_VALUE_LEN));
    if (mechanism === pkcs11.CKM_AES_KEY_GEN) demand([16, 24, 32].includes(length), 'AES keys have 16, 24 or 32 bytes');
    else demand(mechanism === pkcs11.CKM_GENERIC_SECRET_KEY_GEN && length >= 1 && length <= 800, 'generic secrets have 1 to 800 bytes');
    return this.#store({ attributes, key: simulation.secret(length), session: numberOf(session) });
  }
  C_GenerateKeyPair(session: Handle, { mechanism }: Mechanism, publicTemplate: Attribute[], privateTemplate: Attribute[]) {
    const publicAttributes = this.#newObject(session, publicTemplate, false);
    const privateAttributes = this.#newObject(session, privateTemplate, true);
    const curve = publicAttributes.get(pkcs11.CKA_EC_PARAMS);
    if (mechanism === pkcs11.CKM_EC_KEY_PAIR_GEN) demand(curve instanceof Buffer && curves.includes(curve.toString('hex')), 'the curve is not supported');
    else {
      demand(mechanism === pkcs11.CKM_RSA_X9_31_KEY_PAIR_GEN, 'RSA key pairs are made by CKM_RSA_X9_31_KEY_PAIR_GEN in FIPS mode');
      const bits = Number(publicAttributes.get(pkcs11.CKA_MODULUS_BITS));
      demand(bits >= 2048 && bits <= 4096 && bits % 256 === 0, 'RSA keys have 2048 to 4096 bits in steps of 256');
    }
    const pair = simulation.pair(curve instanceof Buffer ? curve.toString('hex') : Number(publicAttributes.get(pkcs11.CKA_MODULUS_BITS)));
    const owner = numberOf(session);
    const publicKey = this.#store({ attributes: publicAttributes, key: pair.publicKey, session: owner });
    return { publicKey, privateKey: this.#store({ attributes: privateAttributes, key: pair.privateKey, session: owner }) };
  }
  C_CreateObject(session: Handle, template: Attribute[]): Handle {
    const attributes = this.#newObject(session, template, false);
    demand(attributes.get(pkcs11.CKA_CLASS) === pkcs11.CKO_PUBLIC_KEY, 'only public keys are created from values');
    return this.#store({ attributes, key: simulation.fromAttributes(attributes), session: numberOf(session) });
  }
  C_DestroyObject(_session: Handle, object: Handle): void {
    this.#object(object, 'CKR_OBJECT_HANDLE_INVALID', pkcs11.CKR_OBJECT_HANDLE_INVALID);
    this.#objects.delete(numberOf(object));
  }
  C_WrapKey(session: Handle, { mechanism, parameter }: Mechanism, wrapping: Handle, key: Handle, out: Buffer): Buffer {
    this.#demandWrap(mechanism, parameter);
    const kek = this.#use(session, wrapping, 'wrap', 'CKR_WRAPPING_KEY_HANDLE_INVALID', pkcs11.CKR_WRAPPING_KEY_HANDLE_INVALID);
    const target = this.#object(key, 'CKR_KEY_HANDLE_INVALID', pkcs11.CKR_KEY_HANDLE_INVALID);
    demand(target.attributes.get(pkcs11.CKA_EXTRACTABLE) === true, 'only extractable keys are wrapped');
    const trusted = kek.attributes.get(pkcs11.CKA_TRUSTED) === true;
    demand(trusted || target.attributes.get(pkcs11.CKA_WRAP_WITH_TRUSTED) !== true, 'WRAP_WITH_TRUSTED keys are wrapped by trusted keys only');
    const wrapped = simulation.wrap(kek.key, target.key);
    wrapped.copy(out);
    return out.subarray(0, wrapped.length);
  }
  C_UnwrapKey(session: Handle, { mechanism, parameter }: Mechanism, unwrapping: Handle, wrapped: Buffer, template: Attribute[]): Handle {
    this.#demandWrap(mechanism, parameter);
    const kek = this.#use(session, unwrapping, 'unwrap', 'CKR_UNWRAPPING_KEY_HANDLE_INVALID', pkcs11.CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    const attributes = this.#newObject(session, template, true);
    demand(!attributes.has(pkcs11.CKA_VALUE_LEN), 'C_UnwrapKey takes no CKA_VALUE_LEN');
    for (const [type, wanted] of unwrapTemplate) {
      if ((attributes.get(type) ?? wanted) !== wanted) throw returnWith('CKR_TEMPLATE_INCONSISTENT', pkcs11.CKR_TEMPLATE_INCONSISTENT);
    }
    const key = simulation.unwrap(kek.key, wrapped, attributes.get(pkcs11.CKA_CLASS) === pkcs11.CKO_PRIVATE_KEY);
    if (key === undefined) throw returnWith('CKR_GENERAL_ERROR', pkcs11.CKR_GENERAL_ERROR);
    return this.#store({ attributes, key, session: numberOf(session) });
  }
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void {
    this.#init(session, 'encrypt', mechanism, key);
  }
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void {
    this.#init(session, 'decrypt', mechanism, key);
  }
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void {
    this.#init(session, 'sign', mechanism, key);
  }
  C_VerifyInit(session: Handle, mechanism: Mechanism, key: Handle): void {
    this.#init(session, 'verify', mechanism, key);
  }
  C_Encrypt(session: Handle, input: Buffer, out: Buffer): Buffer {
    return this.#finish(session, 'encrypt', input, out, ({ key, mechanism }) => simulation.gcmEncrypt(key.key, mechanism.parameter, input));
  }
  C_Decrypt(session: Handle, input: Buffer, out: Buffer): Buffer {
    return this.#finish(session, 'decrypt', input, out, ({ key, mechanism }) => {
      const result =
        mechanism.mechanism === CLOUDHSM_GCM ? simulation.gcmDecrypt(key.key, mechanism.parameter, input) : simulation.oaepDecrypt(key.key, mechanism.parameter, input);
      if (result === undefined) throw returnWith('CKR_ENCRYPTED_DATA_INVALID', pkcs11.CKR_ENCRYPTED_DATA_INVALID);
      return result;
    });
  }
  C_Sign(session: Handle, input: Buffer, out: Buffer): Buffer {
    return this.#finish(session, 'sign', input, out, ({ key, mechanism }) => simulation.sign(key.key, mechanism, input));
  }
  C_Verify(session: Handle, input: Buffer, signature: Buffer): boolean {
    let verdict = false;
    this.#finish(session, 'verify', input, Buffer.alloc(0), ({ key, mechanism }) => {
      verdict = simulation.verify(key.key, mechanism, input, signature);
      return Buffer.alloc(0);
    });
    if (!verdict) throw returnWith('CKR_SIGNATURE_INVALID', pkcs11.CKR_SIGNATURE_INVALID);
    return verdict;
  }

  #demandWrap(mechanism: number, parameter: unknown): void {
    demand(CLOUDHSM_WRAPS.includes(mechanism >>> 0), 'keys are wrapped by CKM_CLOUDHSM_AES_KEY_WRAP_* only');
    demand(parameter === undefined || parameter === null, 'the IV of key wrap is implicit');
  }
  /** Common rules of new objects. */
  #newObject(session: Handle, template: Attribute[], secret: boolean): Attributes {
    this.#session(session);
    demand(this.#objects.size < objectsMax, 'at most 16,666 keys');
    const attributes: Attributes = new Map(template.map(({ type, value }) => [type, value as boolean]));
    demand(attributes.size === template.length, 'an attribute is given twice');
    for (const type of unknownAttributes) demand(!attributes.has(type), `attribute ${type} is not documented`);
    demand(attributes.has(pkcs11.CKA_TOKEN), 'CKA_TOKEN is explicit');
    if (secret)
      for (const type of [pkcs11.CKA_EXTRACTABLE, pkcs11.CKA_SENSITIVE]) demand(attributes.has(type), "CKA_EXTRACTABLE and CKA_SENSITIVE are explicit: CloudHSM's defaults differ");
    demand(attributes.get(pkcs11.CKA_TRUSTED) !== true, 'only the administrator sets CKA_TRUSTED');
    return attributes;
  }
  #init(session: Handle, kind: string, mechanism: Mechanism, key: Handle): void {
    const state = this.#session(session);
    demand(operationMechanisms[kind]!.includes(mechanism.mechanism >>> 0), `mechanism 0x${(mechanism.mechanism >>> 0).toString(16)} is not for ${kind}`);
    if (mechanism.mechanism >>> 0 === CLOUDHSM_GCM) {
      const { iv, tagBits } = mechanism.parameter as unknown as { iv: Buffer; tagBits: number };
      demand(iv.length === 0, 'pIv is NULL: the HSM chooses the IV');
      demand(tagBits === 128, 'the tag has 128 bits');
    }
    if (state.running !== undefined) throw returnWith('CKR_OPERATION_ACTIVE', pkcs11.CKR_OPERATION_ACTIVE);
    state.running = { kind, mechanism, key: this.#use(session, key, kind, 'CKR_KEY_HANDLE_INVALID', pkcs11.CKR_KEY_HANDLE_INVALID) };
  }
  #finish(session: Handle, kind: string, input: Buffer, out: Buffer, action: (running: NonNullable<Session['running']>) => Buffer): Buffer {
    const state = this.#session(session);
    const { running } = state;
    if (running?.kind !== kind) throw returnWith('CKR_OPERATION_NOT_INITIALIZED', pkcs11.CKR_OPERATION_NOT_INITIALIZED);
    demand(input.length <= dataBytesMax + (kind === 'decrypt' ? 28 : 0), 'single-part data has at most 16,224 bytes');
    state.running = undefined;
    const result = action(running);
    demand(out.length >= result.length, 'the output buffer is too small');
    result.copy(out);
    return out.subarray(0, result.length);
  }
  #use(session: Handle, key: Handle, kind: string, name: string, code: number): StoredObject {
    this.#session(session);
    const object = this.#object(key, name, code);
    demand(object.attributes.get(permissions[kind]!) === true, `the key is not for ${kind}`);
    return object;
  }
  #session(handle: Handle): Session {
    const session = this.#sessions.get(numberOf(handle));
    if (session === undefined) throw returnWith('CKR_SESSION_HANDLE_INVALID', pkcs11.CKR_SESSION_HANDLE_INVALID);
    return session;
  }
  #object(handle: Handle, name: string, code: number): StoredObject {
    const object = this.#objects.get(numberOf(handle));
    if (object === undefined) throw returnWith(name, code);
    return object;
  }
  #store(object: StoredObject): Handle {
    const handle = this.#handle();
    this.#objects.set(numberOf(handle), object);
    return handle;
  }
  #handle(): Handle {
    return toHandle(this.#next++);
  }
}

const unwrapTemplate: readonly (readonly [number, boolean])[] = [
  [pkcs11.CKA_SENSITIVE, true],
  [pkcs11.CKA_EXTRACTABLE, true],
  [pkcs11.CKA_WRAP_WITH_TRUSTED, true],
  [pkcs11.CKA_TOKEN, false],
];

function toHandle(value: bigint): Handle {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
