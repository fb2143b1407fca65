/**
 * The place of the policy engine in the pipeline: called for every key that a request names, and once for requests that name none, before any
 * rule about the key itself is looked at. In this version an account may use its own keys and nobody else's.
 */
import { KmsError } from '#shared/errors.ts';
import type { KeyIdentifier } from '#shared/keys/arn.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import type { LoadedKey, ReferencedLookup } from '#shared/repositories/key-reader.ts';

/**
 * @returns the key, when it exists and the caller may know it
 * @throws KmsError NotFoundException for the caller's own missing keys, AccessDeniedException for everything of another account: there, a missing
 * and a forbidden key look the same (threat T-12)
 */
export function authorizeKey(caller: Caller, action: string, lookup: ReferencedLookup): LoadedKey {
  if (lookup.fromCiphertext && (!lookup.found || lookup.key.record.account !== caller.account)) {
    throw new KmsError(
      'AccessDeniedException',
      'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
    );
  }
  const owner = lookup.found ? lookup.key.record.account : lookup.identifier.account;
  if (owner !== caller.account) {
    const arn = lookup.found ? lookup.key.arn : lookup.arn;
    throw new KmsError(
      'AccessDeniedException',
      `User: ${caller.principalArn} is not authorized to perform: ${action} on resource: ${arn} because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
    );
  }
  if (!lookup.found) throw new KmsError('NotFoundException', missing(lookup.identifier, lookup.arn));
  return lookup.key;
}

const missing = (identifier: KeyIdentifier, arn: string): string => (identifier.kind === 'key' ? `Key '${arn}' does not exist` : `Alias ${arn} is not found.`);
