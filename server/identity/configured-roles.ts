/**
 * Who starts with which roles on the single node: profile `default` is the administrator of its account; an entry of principals.json has the roles it
 * lists; and in an account of which no entry lists roles, the first entry is the administrator, so that every account has one.
 */
import { canonicalPrincipal, type PrincipalIdentity, principalNames } from '#shared/policy/principal-names.ts';
import type { Principal } from './principal.ts';
import type { PrincipalsFile } from './principals-file.ts';

const rememberedMax = 10_000;

export function createConfiguredRoles(administrator: Principal, principals: Pick<PrincipalsFile, 'all'>): (principal: PrincipalIdentity) => readonly string[] {
  let entries: readonly Principal[] = [];
  const remembered = new Map<string, readonly string[]>();
  return ({ arn, account }) => {
    const now = principals.all();
    if (now !== entries || remembered.size >= rememberedMax) remembered.clear();
    entries = now;
    const known = remembered.get(arn);
    if (known !== undefined) return known;
    const roles = findRoles(administrator, entries, arn, account);
    remembered.set(arn, roles);
    return roles;
  };
}

function findRoles(administrator: Principal, all: readonly Principal[], arn: string, account: string): readonly string[] {
  const names = principalNames(arn);
  const means = (entry: Principal): boolean => names.includes(canonicalPrincipal(entry.principalArn));
  const roles = new Set<string>(means(administrator) ? ['administrator'] : []);
  const entries = all.filter((entry) => entry.account === account);
  for (const entry of entries) if (means(entry)) for (const role of entry.roles ?? []) roles.add(role);
  const [first] = entries;
  const isOpen = account !== administrator.account && entries.every((entry) => entry.roles === undefined);
  if (isOpen && first !== undefined && means(first)) roles.add('administrator');
  return [...roles];
}
