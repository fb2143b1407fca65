import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtInRoles } from '#shared/policy/built-in-roles.ts';
import { type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, as, ben, eve, give, person } from '#test/support/people.ts';

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

describe('roles', () => {
  test('the built-in ones are there, can be read, and can be neither changed nor replaced', async () => {
    for (const RoleName of Object.keys(builtInRoles)) {
      expect((await app.must('GetRole', { RoleName })).Role).toMatchObject({ RoleName, BuiltIn: true, Document: builtInRoles[RoleName as 'user'].document });
      expect((await app.call('CreateRole', { RoleName, Document: allowing('kms:*') })).code).toBe('AlreadyExistsException');
      expect((await app.call('UpdateRole', { RoleName, Document: allowing('kms:*') })).code).toBe('ConflictException');
      expect((await app.call('DeleteRole', { RoleName })).code).toBe('ConflictException');
    }
  });

  test('lists show the built-in ones first, page by page, and no other account’s', async () => {
    for (const RoleName of ['a', 'b', 'c']) await app.must('CreateRole', { RoleName, Document: allowing('kms:Encrypt') });
    await app.must('CreateRole', { RoleName: 'theirs', Document: allowing('kms:Encrypt') }, { caller: mallory });
    const seen: string[] = [];
    let Marker: unknown;
    do {
      const page = await app.must('ListRoles', { Limit: 3, ...(Marker === undefined ? {} : { Marker }) });
      seen.push(...(page.Roles as Members[]).map(({ RoleName }) => String(RoleName)));
      Marker = page.NextMarker;
    } while (Marker !== undefined);

    expect(seen).toEqual([...Object.keys(builtInRoles), 'a', 'b', 'c']);
    expect((await app.call('GetRole', { RoleName: 'theirs' })).code).toBe('NotFoundException');
  });

  test('one that is bound is not deleted, also when the binding is made at the same time', async () => {
    const RoleName = 'busy';
    await app.must('CreateRole', { RoleName, Document: allowing('kms:Encrypt') });

    const [bound, deleted] = await Promise.all([app.call('CreateBinding', { Principal: ann.principalArn, RoleName }), app.another().call('DeleteRole', { RoleName })]);

    expect([bound.code, deleted.code]).toEqual(bound.code === undefined ? [undefined, 'ConflictException'] : ['NotFoundException', undefined]);
    if (bound.code !== undefined) return;
    await app.must('DeleteBinding', { Principal: ann.principalArn, RoleName });
    await app.must('DeleteRole', { RoleName });
  });

  test.each([
    ['a principal', { Principal: '*' }],
    ['an unknown operator', { Condition: { StringEqual: { a: 'b' } } }],
    ['no action', { Action: undefined }],
  ])('a document with %s is refused', async (_, more) => {
    const Document = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'kms:*', Resource: '*', ...more } });

    expect((await app.call('CreateRole', { RoleName: 'x', Document })).code).toBe('MalformedPolicyDocumentException');
  });
});

describe('bindings', () => {
  test('are listed with their roles, and are gone with the last of them', async () => {
    await app.must('CreateBinding', { Principal: ann.principalArn, RoleName: 'user' });
    await app.must('CreateBinding', { Principal: ann.principalArn, RoleName: 'auditor' });
    const bindings = async () => (await app.must('ListBindings', {})).Bindings as Members[];

    expect(await bindings()).toEqual([expect.objectContaining({ Principal: ann.principalArn, Roles: ['user', 'auditor'] })]);
    expect((await app.must('ListBindings', {}, { caller: mallory })).Bindings).toEqual([]);
    await app.must('DeleteBinding', { Principal: ann.principalArn, RoleName: 'user' });
    await app.must('DeleteBinding', { Principal: ann.principalArn, RoleName: 'auditor' });
    expect(await bindings()).toEqual([]);
  });

  test('are for the account’s own users, roles and sessions', async () => {
    for (const Principal of [eve.principalArn, 'arn:aws:iam::111122223333:root', 'arn:aws:iam::111122223333:group/x', '*ann']) {
      expect((await app.call('CreateBinding', { Principal, RoleName: 'user' })).code).toBe('ValidationException');
    }
  });

  test('may be handed on role by role', async () => {
    await give(app, ann, allowing('chatelaine:CreateBinding', { Resource: 'arn:aws:chatelaine::111122223333:role/user' }));

    expect((await as(app, ann)('CreateBinding', { Principal: ben.principalArn, RoleName: 'user' })).code).toBeUndefined();
    expect((await as(app, ann)('CreateBinding', { Principal: ann.principalArn, RoleName: 'administrator' })).code).toBe('AccessDeniedException');
  });

  test('kms permissions do not manage them', async () => {
    await give(app, ann, allowing('kms:*'));

    for (const operation of ['ListRoles', 'ListBindings']) expect((await as(app, ann)(operation, {})).code).toBe('AccessDeniedException');
  });

  test('many at once for one role are all counted', async () => {
    await app.must('CreateRole', { RoleName: 'many', Document: allowing('kms:Encrypt') });
    const people = Array.from({ length: 8 }, (_, at) => person(`p${at}`).principalArn);

    await Promise.all(people.map((Principal) => app.must('CreateBinding', { Principal, RoleName: 'many' })));
    expect((await app.call('DeleteRole', { RoleName: 'many' })).message).toContain('8 bindings');
    await Promise.all(people.map((Principal) => app.must('DeleteBinding', { Principal, RoleName: 'many' })));

    expect((await app.call('DeleteRole', { RoleName: 'many' })).code).toBeUndefined();
  });
});
