import { describe, expect, test } from 'vitest';
import { isKeptFromDestroying } from '#shared/policy/custodian.ts';
import { destructiveOperations } from '#shared/policy/destructive-operations.ts';

const sessions = 'arn:aws:sts::111122223333:assumed-role/chatelaine-custodian/';
const inGov = 'arn:aws-us-gov:sts::111122223333:assumed-role/chatelaine-custodian/';
const mayDestroy = (principalArn: string, of: string = sessions) => !isKeptFromDestroying('ScheduleKeyDeletion', principalArn, of);

describe('where there is a custodian', () => {
  test.each([...destructiveOperations])('%s is for its sessions alone, and other operations are for all', (operation) => {
    expect(isKeptFromDestroying(operation, 'arn:aws:iam::111122223333:user/alice', sessions)).toBe(true);
    expect(isKeptFromDestroying(operation, `${sessions}carol@example.org`, sessions)).toBe(false);
    expect(isKeptFromDestroying('Decrypt', 'arn:aws:iam::111122223333:user/alice', sessions)).toBe(false);
  });

  test('in another partition its ARNs are of that partition', () => {
    expect(mayDestroy(`${inGov}carol`, inGov)).toBe(true);
    expect(mayDestroy(`${sessions}carol`, inGov)).toBe(false);
    expect(mayDestroy(`${inGov}carol`)).toBe(false);
  });

  test.each([
    ['the role itself, which calls nothing', 'arn:aws:iam::111122223333:role/chatelaine-custodian'],
    ['a role of another account', 'arn:aws:sts::444455556666:assumed-role/chatelaine-custodian/carol'],
    ['a role whose name goes on', 'arn:aws:sts::111122223333:assumed-role/chatelaine-custodian2/carol'],
    ['a role whose name ends so', 'arn:aws:sts::111122223333:assumed-role/my-chatelaine-custodian/carol'],
    ['a session that is called like the role', 'arn:aws:sts::111122223333:assumed-role/Developer/chatelaine-custodian'],
    ['a session that names an ARN', `arn:aws:sts::111122223333:assumed-role/Developer/${sessions}carol`],
    ['a session with a path', `${sessions}carol/more`],
    ['a session without a name', sessions],
    ['a name in other letters', 'arn:aws:sts::111122223333:assumed-role/Chatelaine-Custodian/carol'],
    ['a federated user', 'arn:aws:sts::111122223333:federated-user/chatelaine-custodian'],
    ['the root of the account', 'arn:aws:iam::111122223333:root'],
    ['nobody', ''],
  ])('%s may not destroy', (_, principalArn) => {
    expect(mayDestroy(principalArn)).toBe(false);
  });

  test.each(['', 'arn:', 'arn:aws:sts::111122223333:assumed-role/', 'arn:aws:iam::111122223333:role/chatelaine-custodian'])('a setting like %j lets nobody through', (setting) => {
    expect(mayDestroy(`${sessions}carol`, setting)).toBe(false);
    expect(mayDestroy('', setting)).toBe(false);
  });
});

test.each([...destructiveOperations])('without a custodian %s is kept from nobody: roles and key policies decide', (operation) => {
  expect(isKeptFromDestroying(operation, 'arn:aws:iam::111122223333:user/alice', undefined)).toBe(false);
});
