import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alice, type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, as, ben, eve, give, keyPolicy, newKey, statement } from '#test/support/people.ts';
import { base64 } from '#test/support/sample-requests.ts';

let app: InProcess;
let key: { id: string; arn: string };
beforeEach(async () => {
  app = startInProcess();
  key = await newKey(app);
});
afterEach(() => app.close());

const simulate = (members: Members, caller = alice) => app.must('Simulate', { Principal: ann.principalArn, Action: 'kms:Encrypt', KeyId: key.id, ...members }, { caller });

describe('the simulator', () => {
  test('names the statement, role or grant that decides', async () => {
    expect(await simulate({})).toEqual({ Decision: 'implicitDeny', DecidedBy: [], PrincipalDocumentsKnown: true });

    const { GrantId } = await app.must('CreateGrant', { KeyId: key.id, GranteePrincipal: ann.principalArn, Operations: ['Encrypt'] });
    expect(await simulate({})).toMatchObject({ Decision: 'allowed', DecidedBy: [{ Source: 'Grant', Name: GrantId }] });

    const RoleName = await give(app, ben, allowing('kms:Encrypt', { Sid: 'Use' }));
    expect(await simulate({ Principal: ben.principalArn })).toMatchObject({
      Decision: 'allowed',
      DecidedBy: [
        { Source: 'KeyPolicy', Statement: 'Enable IAM User Permissions' },
        { Source: 'Role', Name: RoleName, Statement: 'Use' },
      ],
    });

    await app.must('PutKeyPolicy', { KeyId: key.id, Policy: keyPolicy(alice.account, { ...statement({ AWS: ann.principalArn }, 'kms:Encrypt'), Effect: 'Deny', Sid: 'NotAnn' }) });
    expect(await simulate({})).toMatchObject({ Decision: 'explicitDeny', DecidedBy: [{ Source: 'KeyPolicy', Statement: 'NotAnn' }] });
  });

  test('takes the facts that it is given, and knows those of the key and the principal', async () => {
    await give(app, ann, allowing('kms:Encrypt', { Condition: { StringEquals: { 'kms:ViaService': 's3', 'kms:KeySpec': 'SYMMETRIC_DEFAULT', 'aws:username': 'ann' } } }));

    expect((await simulate({})).Decision).toBe('implicitDeny');
    expect((await simulate({ Context: [{ Key: 'kms:viaSERVICE', Values: ['s3'] }] })).Decision).toBe('allowed');
  });

  test('agrees with what then happens', async () => {
    await give(app, ann, allowing('kms:Encrypt', { Condition: { StringEquals: { 'kms:EncryptionContext:dept': 'it' } } }));

    for (const dept of ['it', 'hr']) {
      const { Decision } = await simulate({ EncryptionContext: { dept } });
      const { code } = await as(app, ann)('Encrypt', { KeyId: key.id, Plaintext: base64('x'), EncryptionContext: { dept } });
      expect(Decision === 'allowed').toBe(code === undefined);
    }
  });

  test('answers for permissions without a key', async () => {
    await give(app, ann, allowing('kms:CreateKey'));

    expect((await simulate({ KeyId: undefined, Action: 'kms:CreateKey' })).Decision).toBe('allowed');
    expect((await simulate({ KeyId: undefined, Action: 'chatelaine:CreateRole' })).Decision).toBe('implicitDeny');
  });

  test('for a principal of another account it tells the key’s side, and nothing of that account’s documents', async () => {
    await give(app, eve, allowing('kms:Encrypt'), mallory);
    expect(await simulate({ Principal: eve.principalArn })).toMatchObject({ Decision: 'implicitDeny', PrincipalDocumentsKnown: false });

    await app.must('PutKeyPolicy', { KeyId: key.id, Policy: keyPolicy(alice.account, statement({ AWS: mallory.account }, 'kms:Encrypt')) });
    for (const name of ['eve', 'nobody']) expect(await simulate({ Principal: `arn:aws:iam::${mallory.account}:user/${name}` })).toMatchObject({ Decision: 'allowed' });
    expect((await app.call('Simulate', { Principal: eve.principalArn, Action: 'kms:CreateKey' })).code).toBe('ValidationException');
  });

  test('is for those who may ask, about keys of their own account', async () => {
    const asked = { Principal: ann.principalArn, Action: 'kms:Encrypt', KeyId: key.arn };
    expect((await as(app, ann)('Simulate', asked)).code).toBe('AccessDeniedException');
    expect((await as(app, mallory)('Simulate', asked)).code).toBe('AccessDeniedException');

    await app.must('CreateBinding', { Principal: ann.principalArn, RoleName: 'auditor' });

    expect((await as(app, ann)('Simulate', asked)).code).toBeUndefined();
  });
});
