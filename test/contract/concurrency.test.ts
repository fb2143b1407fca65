import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyMaterialId } from '#shared/keys/key-record.ts';
import { type Answer, alice, type InProcess, type Members, startInProcess } from '#test/support/in-process.ts';
import { base64 } from '#test/support/sample-requests.ts';
import { readKey } from '#test/support/set-key-state.ts';
import { expectedCell, footnotes } from './data/key-states.ts';

let one: InProcess;
let two: InProcess;
let keyId: string;
beforeEach(async () => {
  one = startInProcess();
  two = one.another();
  keyId = ((await one.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId;
});
afterEach(() => one.close());

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const both = (at: number): InProcess => (at % 2 === 0 ? one : two);
const succeeded = (answers: readonly Answer[]): Answer[] => answers.filter((answer) => answer.code === undefined);

async function rotations(app: InProcess): Promise<Members[]> {
  return (await app.must('ListKeyRotations', { KeyId: keyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })).Rotations as Members[];
}

describe('requests that race on one key', () => {
  test.each([
    ['one process', () => one],
    ['two processes on one store', both],
  ] as const)('%s: 50 tags of 50 TagResource calls are all there', async (_, choose) => {
    const answers = await Promise.all(numbers(50).map((at) => choose(at).call('TagResource', { KeyId: keyId, Tags: [{ TagKey: `tag-${at}`, TagValue: String(at) }] })));

    const { record, rev } = await readKey(one, keyId);
    expect(answers.map((answer) => answer.code)).toEqual(numbers(50).map(() => undefined));
    expect(record.tags.map((tag) => tag.TagKey).toSorted()).toEqual(
      numbers(50)
        .map((at) => `tag-${at}`)
        .toSorted(),
    );
    expect(rev).toBe(51);
  });

  test.each([
    ['one process', () => one],
    ['two processes on one store', both],
  ] as const)('%s: rotations make contiguous versions, one each, and stop at the limit', async (_, choose) => {
    const answers = await Promise.all(numbers(30).map((at) => choose(at).call('RotateKeyOnDemand', { KeyId: keyId })));

    const { record } = await readKey(one, keyId);
    expect(succeeded(answers)).toHaveLength(25);
    for (const answer of answers) expect([undefined, 'LimitExceededException']).toContain(answer.code);
    expect(record).toMatchObject({ currentVersion: 26, rotation: { onDemandCount: 25 } });
    expect((await rotations(two)).map((rotation) => rotation.KeyMaterialId)).toEqual(numbers(26).map((at) => keyMaterialId(keyId, at + 1)));
  });

  test('rotate, disable, enable, schedule deletion, cancel and encrypt: each outcome is one that some state allows, and the record adds up', async () => {
    const steps = ['RotateKeyOnDemand', 'DisableKey', 'EnableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'Encrypt'];
    const members = (name: string): Members => ({ KeyId: keyId, ...(name === 'Encrypt' ? { Plaintext: base64('x') } : {}) });
    const states = ['Enabled', 'Disabled', 'PendingDeletion'] as const;

    const answers = await Promise.all(
      numbers(60).map(async (at) => ({ name: steps[at % 6]!, answer: await both(at + Math.floor(at / 6)).call(steps[at % 6]!, members(steps[at % 6]!)) })),
    );

    for (const { name, answer } of answers) {
      const allowed = states.map((state) => expectedCell(name, state)).map((cell) => (cell === 'ok' ? undefined : footnotes[cell].code));
      expect(allowed, `${name}: ${answer.message}`).toContain(answer.code);
    }
    const rotated = answers.filter(({ name, answer }) => name === 'RotateKeyOnDemand' && answer.code === undefined).length;
    const { record } = await readKey(one, keyId);
    expect(states).toContain(record.state);
    expect(record.deletion !== undefined).toBe(record.state === 'PendingDeletion');
    expect(record.currentVersion).toBe(1 + rotated);
    expect(await rotations(one)).toHaveLength(1 + rotated);
    for (const { answer } of answers.filter(({ name, answer: given }) => name === 'Encrypt' && given.code === undefined)) {
      if (record.state === 'PendingDeletion') await one.call('CancelKeyDeletion', { KeyId: keyId });
      await one.must('EnableKey', { KeyId: keyId });
      expect((await two.must('Decrypt', { CiphertextBlob: answer.body.CiphertextBlob })).Plaintext).toBe(base64('x'));
    }
  });

  test('of 20 that schedule the deletion, one succeeds', async () => {
    const answers = await Promise.all(numbers(20).map((at) => both(at).call('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 7 + at })));

    expect(succeeded(answers)).toHaveLength(1);
    for (const answer of answers) expect([undefined, 'KMSInvalidStateException']).toContain(answer.code);
    const { record } = await readKey(one, keyId);
    expect(record.deletion?.pendingWindowDays).toBe(succeeded(answers)[0]!.body.PendingWindowInDays);
  });

  test('each change that succeeded left one audit record of it', async () => {
    const answers = await Promise.all(
      numbers(40).map((at) =>
        both(at).call(at % 3 === 0 ? 'RotateKeyOnDemand' : 'TagResource', { KeyId: keyId, ...(at % 3 === 0 ? {} : { Tags: [{ TagKey: `t${at}`, TagValue: '' }] }) }),
      ),
    );
    await one.drain();
    await two.drain();

    const records = [...one.audit, ...two.audit].filter(({ operation }) => operation === 'RotateKeyOnDemand' || operation === 'TagResource');
    expect(new Set(records.map((record) => record.requestId)).size).toBe(40);
    expect(records.filter((record) => record.outcome === 'success')).toHaveLength(succeeded(answers).length);
  });
});

describe('what one process does, another knows at the next call', () => {
  const encrypt = (app: InProcess): Promise<Answer> => app.call('Encrypt', { KeyId: keyId, Plaintext: base64('x') });

  test('a key disabled by one is refused by the other, and used again after it is enabled', async () => {
    await encrypt(two);

    await one.must('DisableKey', { KeyId: keyId });
    const refused = await encrypt(two);
    await one.must('EnableKey', { KeyId: keyId });
    const used = await encrypt(two);

    expect(refused.code).toBe('DisabledException');
    expect(used.code).toBeUndefined();
  });

  test('a rotation by one is used by the other for the next encryption', async () => {
    await encrypt(two);

    await one.must('RotateKeyOnDemand', { KeyId: keyId });

    expect((await two.must('GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256' })).KeyMaterialId).toBe(keyMaterialId(keyId, 2));
  });

  test('an alias moved by one leads the other to the new key', async () => {
    const next = ((await one.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId;
    await one.must('CreateAlias', { AliasName: 'alias/moving', TargetKeyId: keyId });
    await two.must('Encrypt', { KeyId: 'alias/moving', Plaintext: base64('x') });

    await one.must('UpdateAlias', { AliasName: 'alias/moving', TargetKeyId: next });

    expect(String((await two.must('Encrypt', { KeyId: 'alias/moving', Plaintext: base64('x') })).KeyId)).toContain(next);
  });
});

describe('aliases that race', () => {
  test('of 50 that create one name, one wins and the alias points to its key', async () => {
    const targets = await Promise.all(numbers(50).map(async () => ((await one.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId));

    const answers = await Promise.all(targets.map((TargetKeyId, at) => both(at).call('CreateAlias', { AliasName: 'alias/wanted', TargetKeyId })));

    const winner = answers.findIndex((answer) => answer.code === undefined);
    expect(succeeded(answers)).toHaveLength(1);
    for (const answer of answers) expect([undefined, 'AlreadyExistsException']).toContain(answer.code);
    expect(((await two.must('DescribeKey', { KeyId: 'alias/wanted' })).KeyMetadata as Members).KeyId).toBe(targets[winner]);
    expect(((await one.must('ListAliases', {})).Aliases as unknown[]).length).toBe(1);
  });

  test('60 aliases for one key: 50 are made and 10 are over the limit', async () => {
    const answers = await Promise.all(numbers(60).map((at) => both(at).call('CreateAlias', { AliasName: `alias/many-${at}`, TargetKeyId: keyId })));

    expect(succeeded(answers)).toHaveLength(50);
    expect(answers.filter((answer) => answer.code === 'LimitExceededException')).toHaveLength(10);
    expect((await one.must('ListAliases', { KeyId: keyId })).Aliases).toHaveLength(50);
  });

  test('a name that is deleted and created again and again belongs to one key at every moment', async () => {
    await one.must('CreateAlias', { AliasName: 'alias/contended', TargetKeyId: keyId });

    const answers = await Promise.all(
      numbers(40).map((at) =>
        at % 2 === 0
          ? both(at / 2).call('DeleteAlias', { AliasName: 'alias/contended' })
          : both((at - 1) / 2).call('CreateAlias', { AliasName: 'alias/contended', TargetKeyId: keyId }),
      ),
    );

    for (const answer of answers) expect([undefined, 'NotFoundException', 'AlreadyExistsException']).toContain(answer.code);
    const made = succeeded(answers.filter((_, at) => at % 2 === 1)).length;
    const deleted = succeeded(answers.filter((_, at) => at % 2 === 0)).length;
    const left = (await one.must('ListAliases', { KeyId: keyId })).Aliases as unknown[];
    expect(left).toHaveLength(1 + made - deleted);
    expect((await two.call('DescribeKey', { KeyId: `arn:aws:kms:${alice.region}:${alice.account}:alias/contended` })).code === undefined).toBe(left.length === 1);
  });
});
