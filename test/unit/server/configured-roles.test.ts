import { describe, expect, test } from 'vitest';
import { createConfiguredRoles } from '#server/identity/configured-roles.ts';
import { readPrincipals } from '#server/identity/principals-file.ts';

const administrator = {
  accessKeyId: 'AKIADEFAULT',
  secretAccessKey: 's',
  account: '000000000000',
  principalArn: 'arn:aws:iam::000000000000:user/administrator',
  principalId: 'AIDADEFAULT',
};
const entry = (name: string, account: string, more: object = {}) => ({
  accessKeyId: `AKIA${name}${account}`,
  secretAccessKey: 's',
  account,
  principalArn: `arn:aws:iam::${account}:user/${name}`,
  ...more,
});
const rolesIn = (...entries: object[]) => {
  const list = [...readPrincipals(entries).values()];
  const roles = createConfiguredRoles(administrator, { all: () => list });
  return (arn: string) => roles({ arn, account: arn.split(':')[4]!, id: '' });
};
const user = (name: string, account: string): string => `arn:aws:iam::${account}:user/${name}`;

describe('who starts with which roles', () => {
  test('profile default is the administrator of its account, and of no other', () => {
    const rolesOf = rolesIn(entry('ann', '000000000000'), entry('bob', '111122223333'));

    expect(rolesOf(administrator.principalArn)).toEqual(['administrator']);
    expect(rolesOf(user('ann', '000000000000'))).toEqual([]);
    expect(rolesOf(user('administrator', '111122223333'))).toEqual([]);
  });

  test('in an account of which no entry lists roles, the first entry is the administrator', () => {
    const rolesOf = rolesIn(entry('ann', '111122223333'), entry('bob', '111122223333'), entry('eve', '999988887777'));

    expect(rolesOf(user('ann', '111122223333'))).toEqual(['administrator']);
    expect(rolesOf(user('bob', '111122223333'))).toEqual([]);
    expect(rolesOf(user('eve', '999988887777'))).toEqual(['administrator']);
  });

  test('in an account of which an entry lists roles, everybody has what the entry says and nothing else', () => {
    const rolesOf = rolesIn(entry('ann', '111122223333'), entry('bob', '111122223333', { roles: ['user', 'auditor'] }), entry('eve', '111122223333', { roles: [] }));

    expect(rolesOf(user('ann', '111122223333'))).toEqual([]);
    expect(rolesOf(user('bob', '111122223333'))).toEqual(['user', 'auditor']);
    expect(rolesOf(user('eve', '111122223333'))).toEqual([]);
  });

  test('an entry for a role covers its sessions', () => {
    const rolesOf = rolesIn(entry('x', '111122223333', { principalArn: 'arn:aws:iam::111122223333:role/team/Deploy', roles: ['user'] }));

    expect(rolesOf('arn:aws:sts::111122223333:assumed-role/Deploy/run-7')).toEqual(['user']);
  });

  test('a changed file counts at once', () => {
    let list = [...readPrincipals([entry('ann', '111122223333', { roles: ['user'] })]).values()];
    const roles = createConfiguredRoles(administrator, { all: () => list });
    const ann = { arn: user('ann', '111122223333'), account: '111122223333', id: '' };
    expect(roles(ann)).toEqual(['user']);

    list = [...readPrincipals([entry('ann', '111122223333', { roles: ['auditor'] })]).values()];

    expect(roles(ann)).toEqual(['auditor']);
  });

  test.each([[['not a role!']], ['user'], [[7]]])('roles %j are refused', (roles) => {
    expect(() => readPrincipals([entry('ann', '111122223333', { roles })])).toThrow(/roles is malformed/);
  });
});
