/** The parts of a caller's wrapped material, and the ways to open them: in the HSM where it can, else in this thread's memory. */
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import { aesWrappingKeyBytes, type WrappingAlgorithm, type WrappingDescriptor, type WrappingKeySpec, wrappingDescriptors } from '#shared/algorithms/wrapping.ts';
import { kwpUnwrap } from '../pkcs8.ts';
import type { DomainKeys } from './driver.ts';
import { ImportRefused } from './import-refused.ts';
import { destroy, readPublicKey, wrapMechanism } from './material.ts';
import type { Handle } from './module.ts';
import { oaepMechanism, rsaDecrypt, rsaEncrypt } from './rsa.ts';
import { HsmError, type Sessions } from './sessions.ts';
import { transportKeyTemplate } from './templates.ts';
import { softwareTransport } from './transport.ts';

export type Template = ReturnType<typeof transportKeyTemplate>;

/** What the caller's bytes are, and what opens them. */
export interface Envelope {
  readonly sessions: Sessions;
  /** The current one. */
  readonly epoch: DomainKeys;
  readonly wrappingKey: Handle;
  readonly wrappingKeySpec: WrappingKeySpec;
  readonly descriptor: WrappingDescriptor;
  /** The RSA part: the material itself, or the AES key. */
  readonly head: Buffer;
  /** The material under that AES key. Empty when there is none. */
  readonly tail: Buffer;
}

/** @throws HsmError 'invalid-ciphertext' when the length does not fit the wrapping key. */
export function envelopeOf(
  sessions: Sessions,
  epoch: DomainKeys,
  wrappingKey: Handle,
  { wrappingAlgorithm, wrappingKeySpec }: { readonly wrappingAlgorithm: WrappingAlgorithm; readonly wrappingKeySpec: WrappingKeySpec },
  encrypted: Buffer,
): Envelope {
  const descriptor = wrappingDescriptors[wrappingAlgorithm];
  const headBytes = modulusBytes(wrappingKeySpec);
  if (encrypted.length < headBytes || (!descriptor.viaAes && encrypted.length !== headBytes)) throw new HsmError('invalid-ciphertext', 'not of the modulus length');
  return { sessions, epoch, wrappingKey, wrappingKeySpec, descriptor, head: encrypted.subarray(0, headBytes), tail: encrypted.subarray(headBytes) };
}

/** Runs the action with the material in this thread's memory, which is wiped. */
export function withMaterial<T>(envelope: Envelope, action: (material: Buffer) => T): T {
  const opened = decryptHead(envelope);
  const material = envelope.descriptor.viaAes ? kwpUnwrap(opened, envelope.tail) : opened;
  if (material === undefined) throw new HsmError('invalid-ciphertext', 'key wrap');
  try {
    return action(material);
  } finally {
    material.fill(0);
  }
}

/** The material under the AES key of the RSA part, all in the HSM. */
export function unwrapTail(envelope: Envelope, template: Template): Handle {
  const { sessions, tail } = envelope;
  if (tail.length < 16 || tail.length % 8 !== 0) throw new HsmError('invalid-ciphertext', 'not a wrapped key');
  const transportKey = openHead(envelope, transportKeyTemplate(), aesWrappingKeyBytes);
  try {
    return unwrapUnder(sessions, transportKey, tail, template);
  } finally {
    destroy(sessions, transportKey);
  }
}

export const unwrapUnder = (sessions: Sessions, transportKey: Handle, wrapped: Buffer, template: Template): Handle =>
  sessions.own('import', (session) => sessions.module.C_UnwrapKey(session, wrapMechanism(sessions), transportKey, wrapped, template));

/**
 * The RSA part as a session object. @param lengths of secret keys that are worth an object; where the HSM unwraps, it decides itself, and the caller
 * looks at the result.
 */
export function openHead(envelope: Envelope, template: Template, lengths: readonly number[]): Handle {
  const { sessions, wrappingKey, descriptor, head } = envelope;
  if (sessions.profile.oaep[descriptor.oaep] === 'hsm') {
    return sessions.own('import', (session) => sessions.module.C_UnwrapKey(session, oaepMechanism(descriptor.oaep), wrappingKey, head, template));
  }
  const secret = decryptHead(envelope);
  if (!lengths.includes(secret.length)) {
    // A wrong AES key is a wrong envelope; wrong material is wrong material.
    throw descriptor.viaAes ? new HsmError('invalid-ciphertext', 'not an AES key') : wrongLength();
  }
  return inject(envelope, secret, template);
}

/** In the thread's arena, which is wiped after the job. */
const decryptHead = ({ sessions, wrappingKey, wrappingKeySpec, descriptor, head }: Envelope): Buffer => rsaDecrypt(sessions, wrappingKey, wrappingKeySpec, descriptor.oaep, head);

/**
 * Brings checked bytes from this thread's memory into the HSM: under a fresh AES key, and that under the wrapping key's own public half. No
 * C_CreateObject, which HSMs in FIPS mode refuse for secrets.
 */
export function inject({ sessions, wrappingKey, wrappingKeySpec }: Envelope, secret: Buffer, template: Template): Handle {
  const algorithm = sessions.profile.oaep.RSAES_OAEP_SHA_256 === 'hsm' ? 'RSAES_OAEP_SHA_256' : 'RSAES_OAEP_SHA_1';
  const publicKey = readPublicKey(sessions, wrappingKey, wrappingKeySpec).toString('base64');
  const transport = softwareTransport(secret);
  try {
    const wrappedKey = rsaEncrypt(publicKey, algorithm, transport.key);
    const transportKey = sessions.own('import', (session) => sessions.module.C_UnwrapKey(session, oaepMechanism(algorithm), wrappingKey, wrappedKey, transportKeyTemplate()));
    try {
      return unwrapUnder(sessions, transportKey, transport.wrapped, template);
    } finally {
      destroy(sessions, transportKey);
    }
  } catch (error) {
    if (error instanceof HsmError && error.outcome === 'invalid-ciphertext') throw new ImportRefused('incorrect-key-material', 'the HSM does not take it');
    throw error;
  } finally {
    transport.key.fill(0);
  }
}

export const wrongLength = (): ImportRefused => new ImportRefused('incorrect-key-material', 'not of the length of the key spec');

function modulusBytes(spec: WrappingKeySpec): number {
  const descriptor = describeKeySpec(spec);
  if (descriptor.kind !== 'rsa') throw new Error(`${spec} is not RSA`);
  return descriptor.modulusBits / 8;
}
