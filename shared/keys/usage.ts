/** Rules of use: the key's usage, and which algorithms its spec allows. Texts as AWS sends them (research: kms-api 2.3). */
import type {
  EncapsulationAlgorithm,
  EncryptionAlgorithm,
  KeyAgreementAlgorithm,
  KeySpecDescriptor,
  KeyUsage,
  MacAlgorithm,
  SigningAlgorithm,
} from '#shared/algorithms/key-specs.ts';
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import { KmsError } from '#shared/errors.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import type { KeyMaterial } from './material.ts';

interface Fails {
  error(code: 'InvalidKeyUsageException', message: string): KmsError;
}

export function requireUsage(ctx: Fails, key: LoadedKey, usage: KeyUsage, operation: string): void {
  if (key.record.keyUsage === usage) return;
  throw ctx.error('InvalidKeyUsageException', `${key.arn} key usage is ${key.record.keyUsage} which is not valid for ${operation}.`);
}

const refuseAlgorithm = (ctx: Fails, key: LoadedKey, algorithm: string): KmsError =>
  ctx.error('InvalidKeyUsageException', `Algorithm ${algorithm} is incompatible with key spec ${key.record.keySpec}.`);

function pick<Algorithm extends string>(ctx: Fails, key: LoadedKey, algorithm: string, allowed: (spec: KeySpecDescriptor) => readonly Algorithm[] | undefined): Algorithm {
  const match = allowed(describeKeySpec(key.record.keySpec))?.find((candidate) => candidate === algorithm);
  if (match === undefined) throw refuseAlgorithm(ctx, key, algorithm);
  return match;
}

export const requireEncryptionAlgorithm = (ctx: Fails, key: LoadedKey, algorithm: string): EncryptionAlgorithm => pick(ctx, key, algorithm, (spec) => spec.encryptionAlgorithms);
export const requireSigningAlgorithm = (ctx: Fails, key: LoadedKey, algorithm: string): SigningAlgorithm => pick(ctx, key, algorithm, (spec) => spec.signingAlgorithms);
export const requireMacAlgorithm = (ctx: Fails, key: LoadedKey, algorithm: string): MacAlgorithm => pick(ctx, key, algorithm, (spec) => spec.macAlgorithms);
export const requireKeyAgreementAlgorithm = (ctx: Fails, key: LoadedKey, algorithm: string): KeyAgreementAlgorithm =>
  pick(ctx, key, algorithm, (spec) => spec.keyAgreementAlgorithms);
export const requireEncapsulationAlgorithm = (ctx: Fails, key: LoadedKey, algorithm: string): EncapsulationAlgorithm =>
  pick(ctx, key, algorithm, (spec) => spec.encapsulationAlgorithms);

/** Rotation, data keys and encryption contexts belong to symmetric encryption keys. */
export const isSymmetricEncryptionKey = (key: LoadedKey): boolean => key.record.keySpec === 'SYMMETRIC_DEFAULT';

/** The material row of a version that the record counts on is gone: an operator's matter, and worth a retry. */
export function requireMaterial(key: LoadedKey): KeyMaterial {
  if (key.material === undefined) throw new KmsError('KeyUnavailableException', `The key material of ${key.arn} is not available.`);
  return key.material;
}
