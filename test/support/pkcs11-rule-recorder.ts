/**
 * A PKCS #11 module that records its calls, breaks off at the first one which the documented rules (pkcs11-rules.ts) do not allow, and simulates the rest with node:crypto, so that round trips work. It proves obedience to what is written, not that a cluster agrees.
 */
import { randomFillSync } from 'node:crypto';
import pkcs11, { type Attribute, type Mechanism } from 'pkcs11js';
import type { Handle, Pkcs11Module } from '#bridge/driver/module.ts';
import {
  type Attributes,
  CLOUDHSM_GCM,
  contradictsTemplate,
  demand,
  demandDocumented,
  demandKeyPair,
  demandNewObject,
  demandOperation,
  demandSecretKey,
  demandSinglePart,
  demandWrapMechanism,
  demandWrappable,
  permissions,
  RuleBroken,
  sessionsMax,
} from './pkcs11-rules.ts';
import { type SimulatedKey, simulation } from './pkcs11-simulation.ts';

interface StoredObject {
  readonly attributes: Attributes;
  readonly key: SimulatedKey;
  /** Undefined for token objects. */
  readonly session: bigint | undefined;
}
interface Session {
  running: { kind: string; mechanism: Mechanism; key: StoredObject } | undefined;
}

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
      demandDocumented(type);
      const value = attributes.get(type) ?? simulation.publicAttribute(key, type);
      if (value === undefined) throw returnWith('CKR_ATTRIBUTE_TYPE_INVALID', pkcs11.CKR_ATTRIBUTE_TYPE_INVALID);
      if (typeof value === 'boolean') return { type, value: Buffer.of(value ? 1 : 0) };
      return { type, value: typeof value === 'number' ? toHandle(BigInt(value)) : Buffer.from(value) };
    });
  }
  C_GenerateKey(session: Handle, { mechanism }: Mechanism, template: Attribute[]): Handle {
    const attributes = this.#newObject(session, template, true);
    const length = demandSecretKey(mechanism, attributes);
    return this.#store({ attributes, key: simulation.secret(length), session: numberOf(session) });
  }
  C_GenerateKeyPair(session: Handle, { mechanism }: Mechanism, publicTemplate: Attribute[], privateTemplate: Attribute[]) {
    const publicAttributes = this.#newObject(session, publicTemplate, false);
    const privateAttributes = this.#newObject(session, privateTemplate, true);
    const pair = simulation.pair(demandKeyPair(mechanism, publicAttributes));
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
  C_WrapKey(session: Handle, mechanism: Mechanism, wrapping: Handle, key: Handle, out: Buffer): Buffer {
    demandWrapMechanism(mechanism);
    const kek = this.#use(session, wrapping, 'wrap', 'CKR_WRAPPING_KEY_HANDLE_INVALID', pkcs11.CKR_WRAPPING_KEY_HANDLE_INVALID);
    const target = this.#object(key, 'CKR_KEY_HANDLE_INVALID', pkcs11.CKR_KEY_HANDLE_INVALID);
    demandWrappable(kek.attributes, target.attributes);
    const wrapped = simulation.wrap(kek.key, target.key);
    wrapped.copy(out);
    return out.subarray(0, wrapped.length);
  }
  C_UnwrapKey(session: Handle, mechanism: Mechanism, unwrapping: Handle, wrapped: Buffer, template: Attribute[]): Handle {
    const byRsa = mechanism.mechanism === pkcs11.CKM_RSA_PKCS_OAEP;
    if (!byRsa) demandWrapMechanism(mechanism);
    const kek = this.#use(session, unwrapping, 'unwrap', 'CKR_UNWRAPPING_KEY_HANDLE_INVALID', pkcs11.CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    const attributes = this.#newObject(session, template, true);
    demand(!attributes.has(pkcs11.CKA_VALUE_LEN), 'C_UnwrapKey takes no CKA_VALUE_LEN');
    if (contradictsTemplate(kek.attributes, attributes)) throw returnWith('CKR_TEMPLATE_INCONSISTENT', pkcs11.CKR_TEMPLATE_INCONSISTENT);
    const isPrivate = attributes.get(pkcs11.CKA_CLASS) === pkcs11.CKO_PRIVATE_KEY;
    demand(!(byRsa && isPrivate), 'RSA unwraps secret keys only');
    const key = byRsa ? simulation.oaepUnwrap(kek.key, mechanism.parameter, wrapped) : simulation.unwrap(kek.key, wrapped, isPrivate);
    if (key === undefined) throw byRsa ? returnWith('CKR_WRAPPED_KEY_INVALID', pkcs11.CKR_WRAPPED_KEY_INVALID) : returnWith('CKR_GENERAL_ERROR', pkcs11.CKR_GENERAL_ERROR);
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

  #newObject(session: Handle, template: Attribute[], secret: boolean): Attributes {
    this.#session(session);
    return demandNewObject(this.#objects.size, template, secret);
  }
  #init(session: Handle, kind: string, mechanism: Mechanism, key: Handle): void {
    const state = this.#session(session);
    demandOperation(kind, mechanism);
    if (state.running !== undefined) throw returnWith('CKR_OPERATION_ACTIVE', pkcs11.CKR_OPERATION_ACTIVE);
    state.running = { kind, mechanism, key: this.#use(session, key, kind, 'CKR_KEY_HANDLE_INVALID', pkcs11.CKR_KEY_HANDLE_INVALID) };
  }
  #finish(session: Handle, kind: string, input: Buffer, out: Buffer, action: (running: NonNullable<Session['running']>) => Buffer): Buffer {
    const state = this.#session(session);
    const { running } = state;
    if (running?.kind !== kind) throw returnWith('CKR_OPERATION_NOT_INITIALIZED', pkcs11.CKR_OPERATION_NOT_INITIALIZED);
    demandSinglePart(kind, input);
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

function toHandle(value: bigint): Handle {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
