/**
 * The compound operations of the driver. A job is one message to a worker and one back: PKCS #11's Init and operation, or a check and an unwrap,
 * never run in two different threads. Results live in the thread's arena, which is wiped when the answer is written. All fields are byte strings; `head` fields are JSON.
 */
import { timingSafeEqual } from 'node:crypto';
import { type EncryptionAlgorithm, isSeedSpec, type KeySpec, type MacAlgorithm, type SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import type { MessageType } from '#shared/ports/crypto.ts';
import { encodeKeyDerivation, encodeRowSeal } from '../binding.ts';
import { gcmDecrypt, gcmEncrypt } from './aes-gcm.ts';
import { canary } from './canary.ts';
import type { Driver } from './driver.ts';
import { type ImportRequest, importMaterial } from './import-material.ts';
import { demandKeyAgreement } from './key-agreement.ts';
import { domainHmac, hmac } from './mac.ts';
import { checkMaterial, destroy, generateMaterial, type KeyRequest, openMaterial } from './material.ts';
import type { Handle } from './module.ts';
import { rebindMaterial } from './rebind-material.ts';
import { demandRsaPlaintext, rsaDecrypt, rsaEncrypt } from './rsa.ts';
import { generateSeedMaterial } from './seed-material.ts';
import { HsmError, withDomainKey } from './sessions.ts';
import { sign, verifySignature } from './signing.ts';
import { softwareJobs } from './software-jobs.ts';
import { makeWrappingKey, type WrappingKeyRequest } from './wrapping-keys.ts';

/** One side of a job that encrypts or decrypts. `publicKey` is set where the side encrypts under RSA. */
export interface SideHead {
  readonly spec: KeySpec;
  readonly algorithm: EncryptionAlgorithm;
  readonly publicKey?: string | undefined;
}
export interface SigningHead {
  readonly spec: KeySpec;
  readonly algorithm: SigningAlgorithm;
  readonly messageType: MessageType;
  readonly publicKey?: string | undefined;
}

type Job = (driver: Driver, fields: Buffer[]) => Uint8Array[];

const none = Buffer.alloc(0);
const json = <T>(field: Buffer | undefined): T => JSON.parse((field as Buffer).toString('utf8')) as T;
const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');
const flag = (value: boolean): Uint8Array[] => [Uint8Array.of(value ? 1 : 0)];

/** HSM randomness. @param bytes 1 to 1024. */
function random({ sessions }: Driver, bytes: number): Buffer {
  return sessions.operate('other', (session) => sessions.module.C_GenerateRandom(session, sessions.arena.take(bytes)));
}

function encryptSide(driver: Driver, key: Handle, head: SideHead, aad: Buffer, plaintext: Buffer): Uint8Array[] {
  if (head.algorithm === 'SYMMETRIC_DEFAULT') {
    const { iv, ciphertext } = gcmEncrypt(driver.sessions, key, aad, plaintext);
    return [iv, ciphertext];
  }
  demandRsaPlaintext(head.spec, head.algorithm, plaintext);
  return [none, rsaEncrypt(head.publicKey as string, head.algorithm, plaintext)];
}

function decryptSide(driver: Driver, key: Handle, head: SideHead, aad: Buffer, iv: Buffer, ciphertext: Buffer): Buffer {
  if (head.algorithm === 'SYMMETRIC_DEFAULT') return gcmDecrypt(driver.sessions, key, aad, iv, ciphertext);
  return rsaDecrypt(driver.sessions, key, head.spec, head.algorithm, ciphertext);
}

/** Field layouts are beside each job; lanes/hsm.ts is the only caller. */
export const jobs = {
  /** [material] → [handle] */
  open: (driver, [material]) => [openMaterial(driver, json<KeyMaterial>(material))],
  /** [material] → [] */
  check: (driver, [material]) => {
    checkMaterial(driver, json<KeyMaterial>(material));
    return [];
  },
  /** [handle] → [] */
  destroy: (driver, [key]) => {
    destroy(driver.sessions, key!);
    return [];
  },
  /** [request] → [public key, token] */
  importParameters: (driver, [request]) => makeWrappingKey(driver, json<WrappingKeyRequest>(request)),
  /** [request, token, encrypted] → [{material, fingerprint}] */
  importKey: (driver, [request, token, encrypted]) => [text(importMaterial(driver, json<ImportRequest>(request), token!, encrypted!))],
  /** [request] → [material] */
  generate: (driver, [bytes]) => {
    const request = json<KeyRequest>(bytes);
    if (request.keyUsage === 'KEY_AGREEMENT') demandKeyAgreement(driver.sessions);
    return [text(isSeedSpec(request.keySpec) ? generateSeedMaterial(driver, request) : generateMaterial(driver, request))];
  },
  /** [material, region] → [material] */
  rebind: (driver, [material, region]) => [text(rebindMaterial(driver, json<KeyMaterial>(material), region!.toString('utf8')))],
  /** [handle, aad, plaintext] → [iv, ciphertext] */
  gcmEncrypt: (driver, [key, aad, plaintext]) => {
    const { iv, ciphertext } = gcmEncrypt(driver.sessions, key!, aad!, plaintext!);
    return [iv, ciphertext];
  },
  /** [handle, aad, iv, ciphertext] → [plaintext] */
  gcmDecrypt: (driver, [key, aad, iv, ciphertext]) => [gcmDecrypt(driver.sessions, key!, aad!, iv!, ciphertext!)],
  /** [head, plaintext] → [ciphertext] */
  rsaEncrypt: (driver, [head, plaintext]) => [encryptSide(driver, none, json<SideHead>(head), none, plaintext!)[1]!],
  /** [handle, head, ciphertext] → [plaintext] */
  rsaDecrypt: (driver, [key, head, ciphertext]) => [decryptSide(driver, key!, json<SideHead>(head), none, none, ciphertext!)],
  /** [source, head, aad, iv, ciphertext, destination or empty, head, aad] → [iv, ciphertext]. The plaintext stays in this thread. */
  reEncrypt: (driver, [source, sourceHead, sourceAad, iv, ciphertext, destination, destinationHead, destinationAad]) => {
    const plaintext = decryptSide(driver, source!, json<SideHead>(sourceHead), sourceAad!, iv!, ciphertext!);
    if (plaintext.length === 0) throw new HsmError('invalid-ciphertext', 'empty plaintext');
    return encryptSide(driver, destination!, json<SideHead>(destinationHead), destinationAad!, plaintext);
  },
  /** [handle, aad, {length, wantPlaintext}] → [iv, ciphertext, plaintext or empty] */
  dataKey: (driver, [key, aad, head]) => {
    const { length, wantPlaintext } = json<{ length: number; wantPlaintext: boolean }>(head);
    const plaintext = random(driver, length);
    const { iv, ciphertext } = gcmEncrypt(driver.sessions, key!, aad!, plaintext);
    return [iv, ciphertext, wantPlaintext ? plaintext : none];
  },
  /** [handle, head, message] → [signature] */
  sign: (driver, [key, head, message]) => {
    const { spec, algorithm, messageType } = json<SigningHead>(head);
    return [sign(driver.sessions, key!, spec, algorithm, messageType, message!)];
  },
  /** [head, message, signature] → [1 or 0] */
  verify: (driver, [head, message, signature]) => {
    const { publicKey, spec, algorithm, messageType } = json<SigningHead>(head);
    return flag(verifySignature(driver, publicKey as string, spec, algorithm, messageType, message!, signature!));
  },
  /** [handle, algorithm, message] → [mac] */
  mac: (driver, [key, algorithm, message]) => [hmac(driver.sessions, key!, json<MacAlgorithm>(algorithm), message!)],
  /** [handle, algorithm, message, mac] → [1 or 0] */
  verifyMac: (driver, [key, algorithm, message, mac]) => {
    const expected = hmac(driver.sessions, key!, json<MacAlgorithm>(algorithm), message!);
    return flag(expected.length === mac!.length && timingSafeEqual(expected, mac!));
  },
  /** [length] → [random] */
  random: (driver, [length]) => [random(driver, json<number>(length))],
  /** [digest, …] → [seal, …] */
  seal: (driver, digests) => digests.map((digest) => domainHmac(driver.sessions, driver.epochs[0]!.mac, encodeRowSeal(driver.domain, digest))),
  /** [digest, seal, digest, seal, …] → [1 or 0 for each pair]. A seal of an earlier epoch counts as long as that epoch has its MAC key. */
  checkSeals: (driver, pairs) => {
    const verdicts = new Uint8Array(pairs.length / 2);
    for (let i = 0; i < verdicts.length; i++) {
      const message = encodeRowSeal(driver.domain, pairs[2 * i]!);
      const seal = pairs[2 * i + 1]!;
      verdicts[i] = Number(seal.length === 32 && driver.epochs.some((epoch) => timingSafeEqual(domainHmac(driver.sessions, epoch.mac, message), seal)));
    }
    return [verdicts];
  },
  /** [purpose] → [key]. The current epoch's: what was made with the key of an epoch before it is not recognised any more. */
  deriveKey: (driver, [purpose]) => [domainHmac(driver.sessions, driver.epochs[0]!.mac, encodeKeyDerivation(driver.domain, purpose!.toString('utf8')))],
  /** [digest] → [signature] */
  signAudit: (driver, [digest]) => [withDomainKey(() => sign(driver.sessions, driver.epochs[0]!.audit, 'ECC_NIST_P384', 'ECDSA_SHA_384', 'DIGEST', digest!))],
  ...softwareJobs,
  /** [] → [] */
  canary: (driver) => {
    canary(driver);
    return [];
  },
} as const satisfies Record<string, Job>;

export type JobName = keyof typeof jobs;
