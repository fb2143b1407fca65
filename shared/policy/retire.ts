import type { Caller } from '#shared/pipeline/caller.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import type { GrantRecord } from './grant.ts';
import { accountOfArn, isAccountRoot, principalNames, rootArn } from './principal-names.ts';
import type { RequestAccess } from './request-access.ts';

/**
 * Who may retire a grant (API Reference, RetireGrant): its retiring principal, its grantee when RetireGrant is among its operations, and the accounts
 * of the key and of the grant's maker, which hand it on through identity documents. Somebody whom an account allows it may also know that a grant is gone.
 */
export function mayRetire(
  ctx: { readonly caller: Caller; readonly access: RequestAccess; readonly partition: string },
  key: LoadedKey,
  grant: GrantRecord | undefined,
): 'yes' | 'no' {
  const { caller, access, partition } = ctx;
  const whole = access.onKey('kms:RetireGrant', key);
  const documents = access.byIdentity('kms:RetireGrant', key.arn, key);
  if (whole.outcome === 'explicitly-denied' || documents.outcome === 'explicitly-denied') return 'no';
  const names = principalNames(caller.principalArn);
  const root = rootArn(partition, caller.account);
  if (grant?.retiring !== undefined && names.includes(grant.retiring)) return 'yes';
  const isGrantee = grant?.operations.includes('RetireGrant') === true && (names.includes(grant.grantee) || (grant.grantee === root && documents.outcome === 'allowed'));
  if (isGrantee) return 'yes';
  const accounts = [key.record.account, ...(grant === undefined ? [] : [accountOfArn(grant.issuingAccount)]), grant?.retiring === root ? caller.account : undefined];
  if (!accounts.includes(caller.account)) return 'no';
  return isAccountRoot(caller.principalArn) || documents.outcome === 'allowed' ? 'yes' : 'no';
}
