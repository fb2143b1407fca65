import { KmsError } from '#shared/errors.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import type { CompiledPolicy } from './compiled-policy.ts';
import type { RequestAccess } from './request-access.ts';

/** A policy after which its author could not correct it is refused (API Reference, BypassPolicyLockoutSafetyCheck). @throws KmsError MalformedPolicyDocumentException */
export function requireNoLockout(ctx: { readonly access: RequestAccess }, key: LoadedKey, policy: CompiledPolicy): void {
  if (ctx.access.onKey('kms:PutKeyPolicy', key, undefined, policy).outcome === 'allowed') return;
  throw new KmsError('MalformedPolicyDocumentException', 'The new key policy will not allow you to update the key policy in the future.');
}
