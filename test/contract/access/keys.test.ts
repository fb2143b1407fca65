import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { operations } from '#shared/operations/index.ts';
import { alice, type InProcess, mallory, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, as, ben, eve, give, keyPolicy, newKey, rootOf, sessionOf, statement } from '#test/support/people.ts';
import { base64, createSampleKeys, sampleRequest } from '#test/support/sample-requests.ts';

let app: InProcess;
let key: { id: string; arn: string };
beforeEach(async () => {
  app = startInProcess();
  key = await newKey(app);
});
afterEach(() => app.close());

const Plaintext = base64('x');
const encrypt = (caller = ann, KeyId = key.arn) => as(app, caller)('Encrypt', { KeyId, Plaintext });
const unknownId = 'aaaaaaaa-0000-4000-8000-000000000000';

describe('who starts with what', () => {
  test.each(operations)('a principal that nobody gave anything may do nothing at all: $name', async (operation) => {
    const keys = await createSampleKeys(app);
    const members = await sampleRequest(app, keys, operation.name);

    const answer = await as(app, ann)(operation.name, members);

    // A batch answers for each item what the single operation would have answered.
    const results = answer.body.Results as { Error?: { Code: string } }[] | undefined;
    const codes = operation.batchOf === undefined ? [answer.code] : (results ?? []).map(({ Error: error }) => error?.Code);
    expect(codes.length).toBeGreaterThan(0);
    for (const code of codes) expect(code).toBe('AccessDeniedException');
  });

  test('the root of an account may do everything in it, without a binding', async () => {
    expect((await encrypt(rootOf(alice.account))).code).toBeUndefined();
    expect((await as(app, rootOf(alice.account))('CreateKey', {})).code).toBeUndefined();
  });
});

describe('roles', () => {
  test('a binding counts from the next request on, in every process, and so does its end', async () => {
    const other = app.another();
    const asAnn = (service: InProcess) => service.call('Encrypt', { KeyId: key.id, Plaintext }, { caller: ann });
    expect((await asAnn(other)).code).toBe('AccessDeniedException');

    await app.must('CreateBinding', { Principal: ann.principalArn, RoleName: 'user' });
    expect((await asAnn(other)).code).toBeUndefined();

    await app.must('DeleteBinding', { Principal: ann.principalArn, RoleName: 'user' });
    expect((await asAnn(other)).code).toBe('AccessDeniedException');
  });

  test('a changed document counts from the next request on, in every process', async () => {
    const other = app.another();
    const RoleName = await give(app, ann, allowing('kms:Encrypt'));
    expect((await other.call('Encrypt', { KeyId: key.id, Plaintext }, { caller: ann })).code).toBeUndefined();

    await app.must('UpdateRole', { RoleName, Document: allowing('kms:Decrypt') });

    expect((await other.call('Encrypt', { KeyId: key.id, Plaintext }, { caller: ann })).code).toBe('AccessDeniedException');
  });

  test('a binding of a role covers its sessions; one of a session covers that session', async () => {
    await app.must('CreateBinding', { Principal: `arn:aws:iam::${alice.account}:role/team/Deploy`, RoleName: 'user' });
    await app.must('CreateBinding', { Principal: sessionOf('Other', 'one').principalArn, RoleName: 'user' });

    expect((await encrypt(sessionOf('Deploy', 'run-7'))).code).toBeUndefined();
    expect((await encrypt(sessionOf('Other', 'one'))).code).toBeUndefined();
    expect((await encrypt(sessionOf('Other', 'two'))).code).toBe('AccessDeniedException');
  });

  test('a binding with a unique id does not pass to a later namesake', async () => {
    await app.must('CreateBinding', { Principal: ann.principalArn, PrincipalId: ann.principalId, RoleName: 'user' });

    expect((await encrypt(ann)).code).toBeUndefined();
    expect((await encrypt({ ...ann, principalId: 'AIDAANNTHESECOND00001' })).code).toBe('AccessDeniedException');
  });

  test('a binding of one account gives nothing in another', async () => {
    await app.must('CreateBinding', { Principal: ann.principalArn, RoleName: 'administrator' });
    const theirs = await newKey(app, {}, mallory);

    expect((await encrypt(ann, theirs.arn)).code).toBe('AccessDeniedException');
  });
});

describe('key policies', () => {
  test('a new policy counts from the next request on, in every process', async () => {
    const other = app.another();
    const asAnn = () => other.call('Encrypt', { KeyId: key.id, Plaintext }, { caller: ann });
    expect((await asAnn()).code).toBe('AccessDeniedException');

    await app.must('PutKeyPolicy', { KeyId: key.id, Policy: keyPolicy(alice.account, statement({ AWS: ann.principalArn }, 'kms:Encrypt')) });
    expect((await asAnn()).code).toBeUndefined();

    await app.must('PutKeyPolicy', { KeyId: key.id, Policy: keyPolicy(alice.account) });
    expect((await asAnn()).code).toBe('AccessDeniedException');
  });

  test('an explicit deny stops the administrator too, and says so', async () => {
    await app.must('PutKeyPolicy', { KeyId: key.id, Policy: keyPolicy(alice.account, { ...statement('*', 'kms:Encrypt'), Effect: 'Deny' }) });

    const answer = await encrypt(alice);

    expect(answer.code).toBe('AccessDeniedException');
    expect(answer.message).toBe(`User: ${alice.principalArn} is not authorized to perform: kms:Encrypt on resource: ${key.arn} with an explicit deny in a resource-based policy`);
  });

  test.each([
    ['PutKeyPolicy', () => ({ KeyId: key.id })],
    ['CreateKey', () => ({})],
  ])('%s refuses a policy after which its author could not change it, unless told otherwise', async (operation, members) => {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statement({ AWS: ann.principalArn }, 'kms:*') });

    const refused = await app.call(operation, { ...members(), Policy });
    const forced = await app.call(operation, { ...members(), Policy, BypassPolicyLockoutSafetyCheck: true });

    expect(refused).toMatchObject({ code: 'MalformedPolicyDocumentException', message: 'The new key policy will not allow you to update the key policy in the future.' });
    expect(forced.code).toBeUndefined();
  });

  test('a policy with an unknown operator is refused, and the old one stays', async () => {
    const before = await app.must('GetKeyPolicy', { KeyId: key.id });
    const Policy = keyPolicy(alice.account, statement('*', 'kms:*', { Condition: { StringEqual: { 'kms:ViaService': 's3' } } }));

    expect((await app.call('PutKeyPolicy', { KeyId: key.id, Policy })).code).toBe('MalformedPolicyDocumentException');
    expect(await app.must('GetKeyPolicy', { KeyId: key.id })).toEqual(before);
  });
});

describe('another account', () => {
  beforeEach(async () => {
    await app.must('PutKeyPolicy', { KeyId: key.id, Policy: keyPolicy(alice.account, statement({ AWS: `arn:aws:iam::${mallory.account}:root` }, 'kms:*')) });
  });

  test('uses a key that was opened to it, as far as its own documents go', async () => {
    expect((await encrypt(eve)).code).toBe('AccessDeniedException');
    await give(app, eve, allowing('kms:Encrypt', { Resource: key.arn }), mallory);

    expect((await encrypt(eve)).code).toBeUndefined();
    expect((await encrypt(mallory)).code).toBeUndefined();
    expect((await encrypt(rootOf(mallory.account))).code).toBeUndefined();
    expect((await as(app, eve)('DescribeKey', { KeyId: key.arn })).code).toBe('AccessDeniedException');
  });

  test.each(['DisableKey', 'PutKeyPolicy', 'GetKeyPolicy', 'ScheduleKeyDeletion', 'TagResource', 'ListAliases', 'ListResourceTags', 'EnableKeyRotation'])(
    '%s reaches nobody else’s key, whatever the key policy says',
    async (operation) => {
      const extra = operation === 'TagResource' ? { Tags: [{ TagKey: 'a', TagValue: 'b' }] } : operation === 'PutKeyPolicy' ? { Policy: keyPolicy(alice.account) } : {};

      expect((await as(app, mallory)(operation, { KeyId: key.arn, ...extra })).code).toBe('AccessDeniedException');
    },
  );

  test('Decrypt finds its key in the ciphertext, whoever owns it', async () => {
    const { CiphertextBlob } = await app.must('Encrypt', { KeyId: key.id, Plaintext });

    expect((await as(app, mallory)('Decrypt', { CiphertextBlob })).body.Plaintext).toBe(Plaintext);
  });
});

describe('what a refusal tells', () => {
  const shape = (answer: { status: number; code: string | undefined; message: string | undefined }, arn: string) => ({
    status: answer.status,
    code: answer.code,
    message: answer.message?.replaceAll(arn, 'ARN'),
  });
  const missing = () => key.arn.replace(key.id, unknownId);

  test('to one who may not know, a key that is there and one that is not look the same', async () => {
    await app.must('CreateAlias', { AliasName: 'alias/there', TargetKeyId: key.id });
    const alias = (name: string) => key.arn.replace(`key/${key.id}`, `alias/${name}`);

    for (const caller of [ann, eve]) {
      expect(shape(await encrypt(caller, key.arn), key.arn)).toEqual(shape(await encrypt(caller, missing()), missing()));
      expect(shape(await encrypt(caller, alias('there')), alias('there'))).toEqual(shape(await encrypt(caller, alias('gone')), alias('gone')));
    }
    expect((await encrypt(ann, key.arn)).message).toBe(
      `User: ${ann.principalArn} is not authorized to perform: kms:Encrypt on resource: ${key.arn} because no identity-based policy allows the kms:Encrypt action`,
    );
    const RetireGrant = (KeyId: string) => as(app, ann)('RetireGrant', { KeyId, GrantId: 'a'.repeat(64) });
    expect(shape(await RetireGrant(key.arn), key.arn)).toEqual(shape(await RetireGrant(missing()), missing()));
  });

  test('and so they do when an identity document denies them both', async () => {
    await give(app, ann, JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: 'kms:*', Resource: '*' } }));

    const there = await encrypt(ann, key.arn);

    expect(there.message).toContain('with an explicit deny in an identity-based policy');
    expect(shape(there, key.arn)).toEqual(shape(await encrypt(ann, missing()), missing()));
  });

  test('an explicit deny in a key policy is no news for one who may not know the key', async () => {
    await app.must('PutKeyPolicy', { KeyId: key.id, Policy: keyPolicy(alice.account, { ...statement({ AWS: ann.principalArn }, 'kms:*'), Effect: 'Deny' }) });

    expect(shape(await encrypt(ann, key.arn), key.arn)).toEqual(shape(await encrypt(ann, missing()), missing()));
  });

  test('one whose documents allow the action on the account’s keys learns that a key is missing', async () => {
    await give(app, ann, allowing('kms:Encrypt', { Resource: `arn:aws:kms:*:${alice.account}:key/*` }));

    expect(await encrypt(ann, missing())).toMatchObject({ code: 'NotFoundException', message: `Key '${missing()}' does not exist` });
    expect((await encrypt(ann, 'alias/gone')).code).toBe('NotFoundException');
    expect((await encrypt(ann, missing().replace(alice.account, mallory.account))).code).toBe('AccessDeniedException');
  });

  test('a ciphertext of a key out of reach and one of no key at all look the same', async () => {
    const blob = Buffer.from(String((await app.must('Encrypt', { KeyId: key.id, Plaintext })).CiphertextBlob), 'base64');
    const [theirs] = [await as(app, ben)('Decrypt', { CiphertextBlob: blob.toString('base64') })];
    await app.must('ScheduleKeyDeletion', { KeyId: key.id, PendingWindowInDays: 7 });
    app.clock.advanceDays(8);
    const { findDueTasks, runDueTask } = await import('#shared/sweeps/due-tasks.ts');
    for await (const task of findDueTasks(app.service.store, app.clock.now())) await runDueTask(app.service, task);

    const gone = await as(app, ben)('Decrypt', { CiphertextBlob: blob.toString('base64') });

    expect(shape(gone, '')).toEqual(shape(theirs, ''));
  });
});

describe('aliases', () => {
  test('need the permission on the key and on the alias', async () => {
    const members = { AliasName: 'alias/app', TargetKeyId: key.id };
    const RoleName = await give(app, ann, allowing('kms:CreateAlias', { Resource: `arn:aws:kms:*:${alice.account}:key/*` }));
    expect((await as(app, ann)('CreateAlias', members)).message).toContain(':alias/app because no identity-based policy allows the kms:CreateAlias action');

    await app.must('UpdateRole', { RoleName, Document: allowing('kms:CreateAlias', { Resource: `arn:aws:kms:*:${alice.account}:alias/*` }) });
    expect((await as(app, ann)('CreateAlias', members)).code).toBe('AccessDeniedException');

    await app.must('UpdateRole', { RoleName, Document: allowing('kms:CreateAlias') });
    expect((await as(app, ann)('CreateAlias', members)).code).toBeUndefined();
  });
});

describe('what a decision costs', () => {
  test('one store request, once the rows were seen, with a custom role and a grant in play', async () => {
    await give(app, ann, allowing('kms:Encrypt'));
    await app.must('CreateGrant', { KeyId: key.id, GranteePrincipal: ann.principalArn, Operations: ['Decrypt'] });
    const CiphertextBlob = (await encrypt(ann, key.id)).body.CiphertextBlob;
    await as(app, ann)('Decrypt', { CiphertextBlob });
    const calls: string[] = [];
    app.faults.store = (call) => void calls.push(call);

    expect((await encrypt(ann, key.id)).code).toBeUndefined();
    expect((await as(app, ann)('Decrypt', { CiphertextBlob })).code).toBeUndefined();

    expect(calls).toEqual(['getMany', 'getMany']);
  });
});
