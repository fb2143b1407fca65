/** Principal and NotPrincipal elements. Reference: IAM User Guide, "AWS JSON policy elements: Principal". */
import {
  accountOfPrincipalElement,
  canonicalPrincipal,
  isAccountRoot,
  isPrincipalArn,
  isPrincipalId,
  type PrincipalIdentity,
  principalIds,
  principalNames,
} from './principal-names.ts';

/** How a statement names the principal: itself, its account, or not at all. */
export type PrincipalMatch = 'principal' | 'account' | undefined;

export interface PrincipalPattern {
  match(principal: PrincipalIdentity): PrincipalMatch;
}

type Element = '*' | { readonly AWS?: string | readonly string[] | undefined; readonly Service?: string | readonly string[] | undefined };

/** @returns undefined when an AWS principal is neither an account, an ARN, a unique id nor `*`. A wildcard for a part of a name is none of them. */
export function compilePrincipal(element: Element): PrincipalPattern | undefined {
  const names = element === '*' ? ['*'] : list(element.AWS);
  const isKnown = (name: string): boolean => name === '*' || accountOfPrincipalElement(name) !== undefined || isPrincipalArn(name) || isPrincipalId(name);
  if (!names.every(isKnown)) return undefined;
  const services = new Set(element === '*' ? [] : list(element.Service));
  const accounts = new Set(names.flatMap((name) => accountOfPrincipalElement(name) ?? []));
  // Without the accounts: a federated user's id begins with that of its account, and is not the account.
  const exact = new Set(names.filter((name) => accountOfPrincipalElement(name) === undefined).map(canonicalPrincipal));
  const isAnyone = exact.has('*');
  return {
    match(principal) {
      if (isAnyone || exact.has(principal.arn) || services.has(principal.arn)) return 'principal';
      if (principalNames(principal.arn).some((name) => exact.has(name)) || principalIds(principal.id).some((id) => exact.has(id))) return 'principal';
      if (!accounts.has(principal.account)) return undefined;
      // The account's own root needs no identity document to use what its account was given.
      return isAccountRoot(principal.arn) ? 'principal' : 'account';
    },
  };
}

const list = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === 'string' ? [value] : value);
