/** Callers without any configured role, and short ways to give them something. */
import type { Caller } from '#shared/pipeline/caller.ts';
import { type Answer, alice, type InProcess, type Members, mallory } from './in-process.ts';

export const person = (name: string, account = alice.account): Caller => ({
  account,
  region: alice.region,
  principalArn: `arn:aws:iam::${account}:user/${name}`,
  principalId: `AIDA${name.toUpperCase().padEnd(17, '0')}`,
});

export const sessionOf = (role: string, session: string, account = alice.account): Caller => ({
  account,
  region: alice.region,
  principalArn: `arn:aws:sts::${account}:assumed-role/${role}/${session}`,
  principalId: `AROA${role.toUpperCase().padEnd(17, '0')}:${session}`,
});

export const rootOf = (account: string): Caller => ({ account, region: alice.region, principalArn: `arn:aws:iam::${account}:root`, principalId: account });

export const ann = person('ann');
export const ben = person('ben');
/** In mallory's account. */
export const eve = person('eve', mallory.account);

export const as =
  (app: InProcess, caller: Caller) =>
  (operation: string, members: Members): Promise<Answer> =>
    app.call(operation, members, { caller });

export const allowing = (actions: string | readonly string[], more: Members = {}): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*', ...more }] });

/** Binds the caller to a new role with this document, as the administrator of its account. */
export async function give(app: InProcess, caller: Caller, document: string, administrator: Caller = alice): Promise<string> {
  const RoleName = `r${Math.random().toString(36).slice(2, 12)}`;
  await app.must('CreateRole', { RoleName, Document: document }, { caller: administrator });
  await app.must('CreateBinding', { Principal: caller.principalArn, RoleName }, { caller: administrator });
  return RoleName;
}

export const statement = (principal: unknown, action: string | readonly string[], more: Members = {}): Members => ({
  Effect: 'Allow',
  Principal: principal,
  Action: action,
  Resource: '*',
  ...more,
});

/** The account's own statement first, so that its administrators keep the key. */
export const keyPolicy = (account: string, ...statements: Members[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement({ AWS: `arn:aws:iam::${account}:root` }, 'kms:*'), Sid: 'Account' }, ...statements] });

export async function newKey(app: InProcess, members: Members = {}, caller: Caller = alice): Promise<{ id: string; arn: string }> {
  const metadata = (await app.must('CreateKey', members, { caller })).KeyMetadata as { KeyId: string; Arn: string };
  return { id: metadata.KeyId, arn: metadata.Arn };
}
