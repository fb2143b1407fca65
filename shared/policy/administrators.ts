/** CHATELAINE_ADMINISTRATORS: the first administrators of a deployment on AWS, as a list of principal ARNs. They hold the role `administrator` of their account. */
import { canonicalPrincipal, isPrincipalArn, type PrincipalIdentity, principalNames } from './principal-names.ts';

/**
 * @param list separated by white space or commas; absent means nobody
 * @throws Error for an entry that is no principal's ARN
 */
export function configuredAdministrators(list: string | undefined): (principal: PrincipalIdentity) => readonly string[] {
  const entries = (list ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  const fault = entries.find((entry) => !isPrincipalArn(entry));
  if (fault !== undefined) throw new Error(`CHATELAINE_ADMINISTRATORS holds '${fault.slice(0, 200)}', which is not the ARN of a principal.`);
  const administrators = new Set(entries.map(canonicalPrincipal));
  return ({ arn }) => (principalNames(arn).some((name) => administrators.has(name)) ? ['administrator'] : []);
}
