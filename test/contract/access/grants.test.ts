import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { grantsPerKeyMax } from '#shared/repositories/access-records.ts';
import { grantCountRow, grantCountShards, granteeRow, grantRow } from '#shared/repositories/access-rows.ts';
import { countRows } from '#test/support/edit-row.ts';
import { alice, type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, as, ben, eve, give, keyPolicy, newKey, rootOf, sessionOf, statement } from '#test/support/people.ts';
import { base64 } from '#test/support/sample-requests.ts';

let app: InProcess;
let key: { id: string; arn: string };
beforeEach(async () => {
  app = startInProcess();
  key = await newKey(app);
});
afterEach(() => app.close());

const Plaintext = base64('x');
type Created = { GrantId: string; GrantToken: string };
const create = async (more: Members = {}, caller = alice): Promise<Created> =>
  (await app.must('CreateGrant', { KeyId: key.arn, GranteePrincipal: ann.principalArn, Operations: ['Encrypt', 'Decrypt'], ...more }, { caller })) as Created;
const encrypt = (caller = ann, more: Members = {}) => as(app, caller)('Encrypt', { KeyId: key.arn, Plaintext, ...more });
const listed = async (): Promise<Members[]> => (await app.must('ListGrants', { KeyId: key.id })).Grants as Members[];

describe('at most 50,000 grants on a key', () => {
  const name = () => ({ region: alice.region, keyId: key.id });
  const shards = () => Array.from({ length: grantCountShards }, (_, shard) => grantCountRow(name(), shard));
  const counted = async () => (await app.store.getMany(shards())).reduce((sum, item) => sum + Number(item?.body.grants ?? 0), 0);
  /** As if the key had this many more. */
  async function addToCount(grants: number): Promise<void> {
    const row = shards()[0]!;
    const [item] = await app.store.getMany([row]);
    await app.store.transact([{ put: { ...row, rev: (item?.rev ?? 0) + 1, body: { grants: Number(item?.body.grants ?? 0) + grants } } }]);
  }
  const members = (at: number): Members => ({ KeyId: key.arn, GranteePrincipal: `arn:aws:iam::${alice.account}:user/user-${at}`, Operations: ['Encrypt'] });

  test('the next one is refused until one is revoked; a repeat of one that is there is not', async () => {
    const { GrantId } = await create({ Name: 'first' });
    await addToCount(grantsPerKeyMax - 1);

    const refused = await app.call('CreateGrant', members(1));
    const repeated = await create({ Name: 'first' });
    await app.must('RevokeGrant', { KeyId: key.id, GrantId });

    expect(refused).toMatchObject({ code: 'LimitExceededException', message: expect.stringContaining('50000') });
    expect(repeated.GrantId).toBe(GrantId);
    expect((await app.call('CreateGrant', members(1))).code).toBeUndefined();
    expect((await app.call('CreateGrant', members(2))).code).toBe('LimitExceededException');
  });

  test('the count is that of the list, whatever is made, revoked and retired at once by two processes', async () => {
    const other = app.another();
    const made = await Promise.all(Array.from({ length: 12 }, async (_, at) => (at % 2 === 0 ? app : other).must('CreateGrant', members(at % 3))));
    await Promise.all([
      ...made.slice(0, 4).map(({ GrantId }) => app.must('RevokeGrant', { KeyId: key.id, GrantId })),
      ...made.slice(4, 7).map(({ GrantToken }) => other.must('RetireGrant', { GrantToken })),
      other.must('CreateGrant', members(9)),
    ]);

    expect(await listed()).toHaveLength(6);
    expect(await counted()).toBe(6);
  });

  test('of many that are made at once, at most one for each further part of the count gets past', async () => {
    const room = 5;
    await addToCount(grantsPerKeyMax - room);

    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => app.call('CreateGrant', members(at))));

    const made = answers.filter(({ code }) => code === undefined).length;
    expect(made).toBeGreaterThanOrEqual(room);
    expect(made).toBeLessThanOrEqual(room + grantCountShards - 1);
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([undefined, 'LimitExceededException']));
  });

  test('a count that somebody spoiled in the database refuses nobody', async () => {
    const row = shards()[0]!;
    await app.store.transact([{ put: { ...row, rev: 1, body: { grants: 'many' } } }]);

    const made = await Promise.all(Array.from({ length: 8 }, (_, at) => app.must('CreateGrant', members(at))));
    for (const { GrantId } of made) await app.must('RevokeGrant', { KeyId: key.id, GrantId });

    expect(await listed()).toEqual([]);
  });
});

describe('the life of a grant', () => {
  test('it counts from the next request on, in every process, and so does its end', async () => {
    const other = app.another();
    const asAnn = () => other.call('Encrypt', { KeyId: key.id, Plaintext }, { caller: ann });
    expect((await asAnn()).code).toBe('AccessDeniedException');

    const { GrantId } = await create();
    expect((await asAnn()).code).toBeUndefined();
    expect((await other.call('DescribeKey', { KeyId: key.id }, { caller: ann })).code).toBe('AccessDeniedException');

    await app.must('RevokeGrant', { KeyId: key.id, GrantId });
    expect((await asAnn()).code).toBe('AccessDeniedException');
    // The key, its version, and how many grants it has.
    expect(countRows(app.path, 'core', `KEY#eu-west-1#${key.id}`)).toBe(3);
  });

  test('ListGrants shows it as AWS does', async () => {
    const { GrantId } = await create({ RetiringPrincipal: ben.principalArn, Constraints: { EncryptionContextSubset: { a: 'b' } } });

    expect(GrantId).toMatch(/^[0-9a-f]{64}$/);
    expect(await listed()).toEqual([
      {
        KeyId: key.arn,
        GrantId,
        Name: '',
        CreationDate: app.clock.now() / 1000,
        GranteePrincipal: ann.principalArn,
        RetiringPrincipal: ben.principalArn,
        IssuingAccount: `arn:aws:iam::${alice.account}:root`,
        Operations: ['Encrypt', 'Decrypt'],
        Constraints: { EncryptionContextSubset: { a: 'b' } },
      },
    ]);
  });

  test('lists go page by page, and by grantee and id', async () => {
    const made: string[] = [];
    for (let at = 0; at < 5; at += 1) made.push((await create({ GranteePrincipal: at < 3 ? ann.principalArn : ben.principalArn, RetiringPrincipal: eve.principalArn })).GrantId);
    const pages = async (operation: string, members: Members, caller = alice): Promise<string[]> => {
      const ids: string[] = [];
      let Marker: unknown;
      do {
        const page = await app.must(operation, { ...members, Limit: 2, ...(Marker === undefined ? {} : { Marker }) }, { caller });
        ids.push(...(page.Grants as Members[]).map(({ GrantId }) => String(GrantId)));
        expect(page.NextMarker !== undefined).toBe(page.Truncated);
        Marker = page.NextMarker;
      } while (Marker !== undefined);
      return ids.toSorted();
    };

    expect(await pages('ListGrants', { KeyId: key.id })).toEqual(made.toSorted());
    expect(await pages('ListGrants', { KeyId: key.id, GranteePrincipal: ann.principalArn })).toEqual(made.slice(0, 3).toSorted());
    expect(await pages('ListGrants', { KeyId: key.id, GrantId: made[4] })).toEqual([made[4]]);
    expect(await pages('ListGrants', { KeyId: key.id, GrantId: 'f'.repeat(64) })).toEqual([]);
    expect(await pages('ListRetirableGrants', { RetiringPrincipal: eve.principalArn }, mallory)).toEqual(made.toSorted());
  });

  test('a named request that is sent again gives the same grant and a new token; with other parameters, another grant', async () => {
    const first = await create({ Name: 'nightly' });
    const again = await create({ Name: 'nightly', Operations: ['Decrypt', 'Encrypt'] });
    const other = await create({ Name: 'nightly', Operations: ['Encrypt'] });
    const nameless = [await create(), await create()];

    expect(again.GrantId).toBe(first.GrantId);
    expect(again.GrantToken).not.toBe(first.GrantToken);
    expect(new Set([first, other, ...nameless].map(({ GrantId }) => GrantId)).size).toBe(4);
    expect(await listed()).toHaveLength(4);
    for (const { GrantToken } of [first, again]) expect((await encrypt(ann, { GrantTokens: [GrantToken] })).code).toBeUndefined();
  });

  test('DryRun of each operation says what would happen and does nothing', async () => {
    const { GrantId } = await create();
    const codeOf = async (operation: string, members: Members) => (await app.call(operation, { ...members, DryRun: true })).code;

    expect(await codeOf('CreateGrant', { KeyId: key.id, GranteePrincipal: ann.principalArn, Operations: ['Encrypt'] })).toBe('DryRunOperationException');
    expect(await codeOf('RevokeGrant', { KeyId: key.id, GrantId })).toBe('DryRunOperationException');
    expect(await codeOf('RetireGrant', { KeyId: key.arn, GrantId })).toBe('DryRunOperationException');
    expect(await codeOf('RevokeGrant', { KeyId: key.id, GrantId: 'f'.repeat(64) })).toBe('NotFoundException');
    expect((await as(app, ben)('RetireGrant', { KeyId: key.arn, GrantId, DryRun: true })).code).toBe('AccessDeniedException');
    expect(await listed()).toHaveLength(1);
  });

  test('the destruction of the key takes its grants along', async () => {
    await create({ RetiringPrincipal: ben.principalArn });
    await app.must('ScheduleKeyDeletion', { KeyId: key.id, PendingWindowInDays: 7 });
    app.clock.advanceDays(8);
    const { findDueTasks, runDueTask } = await import('#shared/sweeps/due-tasks.ts');
    for await (const task of findDueTasks(app.service.store, app.clock.now())) await runDueTask(app.service, task);

    expect(countRows(app.path, 'core', `KEY#eu-west-1#${key.id}`)).toBe(0);
    expect((await app.must('ListRetirableGrants', { RetiringPrincipal: ben.principalArn })).Grants).toEqual([]);
  });

  test('many at once for one grantee all land', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => create()));

    expect((await listed()).map(({ GrantId }) => GrantId).toSorted()).toEqual(made.map(({ GrantId }) => GrantId).toSorted());
    const [item] = await app.store.getMany([granteeRow({ region: 'eu-west-1', keyId: key.id }, ann.principalArn)]);
    expect(item?.body.grants).toHaveLength(10);
  });
});

describe('who a grant is for', () => {
  test('a role, without its path, and so all its sessions; one session; an account as far as its documents go', async () => {
    await create({ GranteePrincipal: `arn:aws:iam::${alice.account}:role/team/Deploy` });
    await create({ GranteePrincipal: sessionOf('Other', 'one').principalArn });
    await create({ GranteePrincipal: `arn:aws:iam::${mallory.account}:root` });

    expect((await encrypt(sessionOf('Deploy', 'run-7'))).code).toBeUndefined();
    expect((await encrypt(sessionOf('Other', 'one'))).code).toBeUndefined();
    expect((await encrypt(sessionOf('Other', 'two'))).code).toBe('AccessDeniedException');
    expect((await encrypt(mallory)).code).toBeUndefined();
    expect((await encrypt(eve)).code).toBe('AccessDeniedException');
  });

  test('a service principal needs the resource it acts for, and somebody who retires it', async () => {
    const members = { KeyId: key.id, GranteeServicePrincipal: 'rds.amazonaws.com', Operations: ['Encrypt'] };
    const SourceArn = 'arn:aws:rds:eu-west-1:111122223333:db:one';
    expect((await app.call('CreateGrant', members)).code).toBe('ValidationException');
    expect((await app.call('CreateGrant', { ...members, Constraints: { SourceArn } })).code).toBe('ValidationException');

    await app.must('CreateGrant', { ...members, Constraints: { SourceArn }, RetiringServicePrincipal: 'rds.amazonaws.com' });

    expect(await listed()).toEqual([
      expect.objectContaining({ GranteeServicePrincipal: 'rds.amazonaws.com', RetiringServicePrincipal: 'rds.amazonaws.com', Constraints: { SourceArn } }),
    ]);
    const rds = { account: alice.account, region: alice.region, principalArn: 'rds.amazonaws.com', principalId: 'rds.amazonaws.com' };
    expect((await encrypt({ ...rds, sourceArn: SourceArn } as typeof ann)).code).toBeUndefined();
    expect((await encrypt({ ...rds, sourceArn: `${SourceArn}2` } as typeof ann)).code).toBe('AccessDeniedException');
  });

  test.each([
    ['a signing operation on a symmetric key', { Operations: ['Sign'] }],
    ['no operation', { Operations: [] }],
    ['an unknown operation', { Operations: ['DisableKey'] }],
    ['nine pairs', { Constraints: { EncryptionContextEquals: Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`k${at}`, 'v'])) } }],
    ['a value of 385 characters', { Constraints: { EncryptionContextSubset: { k: 'v'.repeat(385) } } }],
    ['two grantees', { GranteeServicePrincipal: 'rds.amazonaws.com' }],
  ])('%s is refused', async (_, more) => {
    expect((await app.call('CreateGrant', { KeyId: key.id, GranteePrincipal: ann.principalArn, Operations: ['Encrypt'], ...more })).code).toBe('ValidationException');
  });

  test('a constraint on the context is for symmetric keys', async () => {
    const rsa = await newKey(app, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });

    const answer = await app.call('CreateGrant', {
      KeyId: rsa.id,
      GranteePrincipal: ann.principalArn,
      Operations: ['Encrypt'],
      Constraints: { EncryptionContextSubset: { a: 'b' } },
    });

    expect(answer.code).toBe('ValidationException');
  });
});

describe('grants that are made through a grant', () => {
  const child = (more: Members) => as(app, ann)('CreateGrant', { KeyId: key.arn, GranteePrincipal: ben.principalArn, Operations: ['Encrypt'], ...more });

  test('permit no operation more, and are constrained at least as much', async () => {
    await create({ Operations: ['Encrypt', 'CreateGrant'], Constraints: { EncryptionContextSubset: { dept: 'it' } } });

    expect((await child({})).code).toBe('AccessDeniedException');
    expect((await child({ Constraints: { EncryptionContextSubset: { dept: 'hr' } } })).code).toBe('AccessDeniedException');
    expect((await child({ Operations: ['Decrypt'], Constraints: { EncryptionContextSubset: { dept: 'it' } } })).code).toBe('AccessDeniedException');
    expect((await child({ Constraints: { EncryptionContextSubset: { dept: 'it', more: 'x' } } })).code).toBeUndefined();
    expect((await child({ Constraints: { EncryptionContextEquals: { dept: 'it' } } })).code).toBeUndefined();
    expect((await encrypt(ben, { EncryptionContext: { dept: 'it' } })).code).toBeUndefined();
    expect((await encrypt(ben)).code).toBe('AccessDeniedException');
  });

  test('a parent that pins the whole context takes no child that leaves room', async () => {
    await create({ Operations: ['Encrypt', 'CreateGrant'], Constraints: { EncryptionContextEquals: { dept: 'it' } } });

    expect((await child({ Constraints: { EncryptionContextSubset: { dept: 'it' } } })).code).toBe('AccessDeniedException');
    expect((await child({ Constraints: { EncryptionContextEquals: { dept: 'it' } } })).code).toBeUndefined();
  });
});

describe('tokens', () => {
  test('of this service are accepted where an operation takes them; anything else is refused', async () => {
    const { GrantToken } = await create();
    const [payload, seal] = GrantToken.split('.') as [string, string];
    const forged = Buffer.from(Buffer.from(payload, 'base64url').toString().replace(key.id, 'aaaaaaaa-0000-4000-8000-000000000000')).toString('base64url');

    expect((await encrypt(ann, { GrantTokens: [GrantToken] })).code).toBeUndefined();
    for (const wrong of ['x', `${payload}.`, `${forged}.${seal}`, `${payload}.${'A'.repeat(43)}`, `${GrantToken}.x`]) {
      expect((await encrypt(ann, { GrantTokens: [GrantToken, wrong] })).code, wrong).toBe('InvalidGrantTokenException');
      expect((await as(app, ann)('RetireGrant', { GrantToken: wrong })).code, wrong).toBe('InvalidGrantTokenException');
    }
  });

  test('give nothing by themselves: only the grantee’s own requests are allowed by the grant', async () => {
    const { GrantToken } = await create();

    expect((await encrypt(ben, { GrantTokens: [GrantToken] })).code).toBe('AccessDeniedException');
  });
});

describe('who may end a grant', () => {
  const retire = (caller: typeof ann, members: Members) => as(app, caller)('RetireGrant', members);

  test('its retiring principal, by token or by id', async () => {
    const first = await create({ RetiringPrincipal: eve.principalArn });
    const second = await create({ RetiringPrincipal: eve.principalArn });

    expect((await retire(eve, { GrantToken: first.GrantToken })).code).toBeUndefined();
    expect((await retire(eve, { GrantToken: first.GrantToken })).code).toBe('NotFoundException');
    expect((await retire(eve, { KeyId: key.arn, GrantId: second.GrantId })).code).toBeUndefined();
    expect(await listed()).toEqual([]);
    expect((await encrypt()).code).toBe('AccessDeniedException');
  });

  test('its grantee, when the grant says so', async () => {
    const without = await create();
    const withIt = await create({ Operations: ['Encrypt', 'RetireGrant'] });

    expect((await retire(ann, { KeyId: key.arn, GrantId: without.GrantId })).code).toBe('AccessDeniedException');
    expect((await retire(ann, { KeyId: key.arn, GrantId: withIt.GrantId })).code).toBeUndefined();
  });

  test('the account of the key, and whom it lets', async () => {
    const made = [await create(), await create()];
    expect((await retire(ben, { KeyId: key.arn, GrantId: made[0]!.GrantId })).code).toBe('AccessDeniedException');

    await give(app, ben, allowing('kms:RetireGrant'));

    expect((await retire(ben, { KeyId: key.arn, GrantId: made[0]!.GrantId })).code).toBeUndefined();
    expect((await retire(rootOf(alice.account), { KeyId: key.arn, GrantId: made[1]!.GrantId })).code).toBeUndefined();
    expect((await retire(mallory, { KeyId: key.arn, GrantId: made[1]!.GrantId })).code).toBe('AccessDeniedException');
  });

  test('an explicit deny holds for the retiring principal too', async () => {
    const { GrantId } = await create({ RetiringPrincipal: ann.principalArn });
    await app.must('PutKeyPolicy', { KeyId: key.id, Policy: keyPolicy(alice.account, { ...statement('*', 'kms:RetireGrant'), Effect: 'Deny' }) });

    expect((await retire(ann, { KeyId: key.arn, GrantId })).code).toBe('AccessDeniedException');
  });

  test('revoking goes by the key policy and not by the grant', async () => {
    const { GrantId } = await create({ RetiringPrincipal: ann.principalArn });

    expect((await as(app, ann)('RevokeGrant', { KeyId: key.arn, GrantId })).code).toBe('AccessDeniedException');
    expect((await app.store.getMany([grantRow({ region: 'eu-west-1', keyId: key.id }, GrantId)]))[0]).toBeDefined();
  });
});
