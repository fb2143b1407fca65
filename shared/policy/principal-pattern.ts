/** Principal and NotPrincipal elements. Reference: IAM User Guide, "AWS JSON policy elements: Principal". */
import type { PrincipalIdentity } from './request-facts.ts';

export interface PrincipalPattern {
  /** How the statement names the principal: itself, its account, or not at all. */
  match(principal: PrincipalIdentity): 'principal' | 'account' | undefined;
}

type Element = '*' | { readonly AWS?: string | readonly string[] | undefined; readonly Service?: string | readonly string[] | undefined };

const accountPattern = /^(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(?::root)?$/;

export function compilePrincipal(element: Element): PrincipalPattern {
  const names = element === '*' ? ['*'] : list(element.AWS);
  const services = new Set(element === '*' ? [] : list(element.Service));
  const accounts = new Set(names.flatMap((name) => accountPattern.exec(name)?.[1] ?? []));
  const exact = new Set(names);
  const isAnyone = exact.has('*');
  return {
    match(principal) {
      if (isAnyone || exact.has(principal.arn) || services.has(principal.arn)) return 'principal';
      if (principalNames(principal).some((name) => exact.has(name))) return 'principal';
      return accounts.has(principal.account) ? 'account' : undefined;
    },
  };
}

const list = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === 'string' ? [value] : value);

/**
 * The other names of a principal: the role behind an assumed-role session (whose ARN lost the role's path), and the unique id that a policy holds once
 * its ARN was resolved.
 */
function principalNames({ arn, id }: PrincipalIdentity): string[] {
  const session = /^arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role\/([^/]+)\//.exec(arn);
  const role = session === null ? [] : [`arn:${session[1]}:iam::${session[2]}:role/${session[3]}`];
  return [...role, id, id.split(':')[0]!];
}

/** The account itself: arn:aws:iam::123456789012:root. */
export const isAccountRoot = (principal: PrincipalIdentity): boolean => /^arn:aws[a-z-]*:iam::[0-9]{12}:root$/.test(principal.arn);
