import { describe, expect, test } from 'vitest';
import { configuredAdministrators } from '#shared/policy/administrators.ts';

const principal = (arn: string) => ({ arn, account: arn.split(':')[4]!, id: '' });

describe('CHATELAINE_ADMINISTRATORS', () => {
  test('names users and roles, and a role covers its sessions', () => {
    const rolesOf = configuredAdministrators('arn:aws:iam::111122223333:user/ann, arn:aws:iam::111122223333:role/team/Admin\n');

    expect(rolesOf(principal('arn:aws:iam::111122223333:user/ann'))).toEqual(['administrator']);
    expect(rolesOf(principal('arn:aws:sts::111122223333:assumed-role/Admin/session'))).toEqual(['administrator']);
    expect(rolesOf(principal('arn:aws:iam::111122223333:user/bob'))).toEqual([]);
    expect(rolesOf(principal('arn:aws:sts::999988887777:assumed-role/Admin/session'))).toEqual([]);
  });

  test('absent or empty, it names nobody', () => {
    for (const list of [undefined, '', ' ,\n']) expect(configuredAdministrators(list)(principal('arn:aws:iam::111122223333:user/ann'))).toEqual([]);
  });

  test('anything that is not the ARN of a principal stops the start', () => {
    for (const list of ['ann', 'arn:aws:iam::111122223333:user/*', '*', 'arn:aws:s3:::bucket'])
      expect(() => configuredAdministrators(list)).toThrow(/is not the ARN of a principal/);
  });
});
