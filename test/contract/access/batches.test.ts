/** Each item of a batch is authorized as a request of its own: by policy, grant, grant token and deny, and only under its own encryption context. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, alice, type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { allowing, ann, as, ben, eve, give, keyPolicy, newKey, statement } from '#test/support/people.ts';
import { base64 } from '#test/support/sample-requests.ts';

let app: InProcess;
let open: { id: string; arn: string };
let closed: { id: string; arn: string };
beforeEach(async () => {
  app = startInProcess();
  [open, closed] = [await newKey(app), await newKey(app)];
});
afterEach(() => app.close());

const Plaintext = base64('x');
const encrypt = (Items: readonly Members[], caller = ann): Promise<Answer> => as(app, caller)('EncryptBatch', { Items: Items.map((item) => ({ Plaintext, ...item })) });
const outcomes = (answer: Answer): unknown[] => (answer.body.Results as { Error?: { Code: string } }[]).map(({ Error: failure }) => failure?.Code ?? 'ok');
const grant = async (key: { arn: string }, more: Members = {}): Promise<string> => {
  const created = await app.must('CreateGrant', { KeyId: key.arn, GranteePrincipal: ann.principalArn, Operations: ['Encrypt'], ...more });
  return String(created.GrantToken);
};

describe('grants', () => {
  test('let the items on their key through, and no others', async () => {
    await grant(open);

    expect(outcomes(await encrypt([{ KeyId: open.arn }, { KeyId: closed.arn }, { KeyId: open.arn }]))).toEqual(['ok', 'AccessDeniedException', 'ok']);
  });

  test('hold an item to their constraints under its own context', async () => {
    await grant(open, { Constraints: { EncryptionContextSubset: { tenant: 'blue' } } });

    const answer = await encrypt([
      { KeyId: open.arn, EncryptionContext: { tenant: 'blue' } },
      { KeyId: open.arn, EncryptionContext: { tenant: 'red' } },
      { KeyId: open.arn },
      { KeyId: open.arn, EncryptionContext: { tenant: 'blue', more: 'x' } },
    ]);

    expect(outcomes(answer)).toEqual(['ok', 'AccessDeniedException', 'AccessDeniedException', 'ok']);
  });

  test('end for the next batch when they are revoked, in every process', async () => {
    const other = app.another();
    const { GrantId } = await app.must('CreateGrant', { KeyId: open.arn, GranteePrincipal: ann.principalArn, Operations: ['Encrypt'] });
    const items = { Items: [{ KeyId: open.arn, Plaintext }] };
    const before = await other.call('EncryptBatch', items, { caller: ann });

    await app.must('RevokeGrant', { KeyId: open.id, GrantId });

    expect(outcomes(before)).toEqual(['ok']);
    expect(outcomes(await other.call('EncryptBatch', items, { caller: ann }))).toEqual(['AccessDeniedException']);
  });
});

describe('grant tokens', () => {
  test('of this service are taken with an item; a token is for the item that carries it, and a broken one fails that item only', async () => {
    const token = await grant(open);
    const foreign = `${token.slice(0, token.indexOf('.'))}.${Buffer.alloc(32).toString('base64url')}`;

    const answer = await encrypt([
      { KeyId: open.arn, GrantTokens: [token] },
      { KeyId: open.arn, GrantTokens: [foreign] },
      { KeyId: open.arn, GrantTokens: ['nonsense'] },
      { KeyId: closed.arn, GrantTokens: [token] },
      { KeyId: open.arn },
    ]);

    expect(outcomes(answer)).toEqual(['ok', 'InvalidGrantTokenException', 'InvalidGrantTokenException', 'AccessDeniedException', 'ok']);
  });

  test('give nothing to whom the grant is not for', async () => {
    const token = await grant(open);

    expect(outcomes(await encrypt([{ KeyId: open.arn, GrantTokens: [token] }], ben))).toEqual(['AccessDeniedException']);
    expect(outcomes(await encrypt([{ KeyId: open.arn, GrantTokens: [token] }], eve))).toEqual(['AccessDeniedException']);
  });
});

describe('an explicit deny', () => {
  test('in the key policy stops its items although a grant and a role allow them', async () => {
    await give(app, ann, allowing('kms:*'));
    await grant(closed);
    await app.must('PutKeyPolicy', { KeyId: closed.id, Policy: keyPolicy(alice.account, { ...statement({ AWS: ann.principalArn }, 'kms:Encrypt'), Effect: 'Deny' }) });

    expect(outcomes(await encrypt([{ KeyId: open.arn }, { KeyId: closed.arn }]))).toEqual(['ok', 'AccessDeniedException']);
    expect(outcomes(await encrypt([{ KeyId: closed.arn }], alice))).toEqual(['ok']);
  });

  test('in a role, with a condition on the context, stops the items it describes', async () => {
    await give(app, ann, allowing('kms:*'));
    await give(app, ann, JSON.stringify({ Version: '2012-10-17', Statement: { ...denyRed, Effect: 'Deny' } }));
    await grant(open);

    const answer = await encrypt([
      { KeyId: open.arn, EncryptionContext: { tenant: 'red' } },
      { KeyId: open.arn, EncryptionContext: { tenant: 'blue' } },
      { KeyId: closed.arn, EncryptionContext: { tenant: 'red' } },
    ]);

    expect(outcomes(answer)).toEqual(['AccessDeniedException', 'ok', 'AccessDeniedException']);
  });

  test('of one key of a re-encryption is enough', async () => {
    const { CiphertextBlob } = await app.must('Encrypt', { KeyId: open.id, Plaintext });
    await give(app, ann, allowing(['kms:ReEncryptFrom', 'kms:ReEncryptTo']));
    await app.must('PutKeyPolicy', { KeyId: closed.id, Policy: keyPolicy(alice.account, { ...statement('*', 'kms:ReEncryptTo'), Effect: 'Deny' }) });

    const answer = await as(app, ann)('ReEncryptBatch', { Items: [open, closed].map(({ arn }) => ({ CiphertextBlob, DestinationKeyId: arn })) });

    expect(outcomes(answer)).toEqual(['ok', 'AccessDeniedException']);
  });
});

const denyRed = { Action: 'kms:Encrypt', Resource: '*', Condition: { StringEquals: { 'kms:EncryptionContext:tenant': 'red' } } };
