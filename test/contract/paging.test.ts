import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, alice, type InProcess, type Members, mallory, startInProcess } from '#test/support/in-process.ts';
import { readKey, writeKey } from '#test/support/set-key-state.ts';

let app: InProcess;
beforeEach(() => {
  app = startInProcess();
});
afterEach(() => app.close());

const createKey = async (): Promise<string> => ((await app.must('CreateKey', {})).KeyMetadata as { KeyId: string }).KeyId;
const createKeys = (count: number): Promise<string[]> => Promise.all(Array.from({ length: count }, createKey));

/** Follows the markers to the end, and checks on the way that Truncated and NextMarker say the same. */
async function readAll(operation: string, members: Members, list: string, pageSize: number): Promise<{ items: Members[]; pages: number }> {
  const items: Members[] = [];
  let marker: unknown;
  for (let pages = 1; ; pages += 1) {
    const page = await app.must(operation, { ...members, Limit: pageSize, ...(marker === undefined ? {} : { Marker: marker }) });
    const found = page[list] as Members[];
    expect(found.length).toBeLessThanOrEqual(pageSize);
    expect(page.Truncated).toBe(page.NextMarker !== undefined);
    items.push(...found);
    marker = page.NextMarker;
    if (marker === undefined) return { items, pages };
    expect(String(marker)).toMatch(/^[\x20-\xff]{1,1024}$/);
  }
}

describe('lists in pages', () => {
  test.each([1, 2, 7, 50, 1000])('ListKeys in pages of %i shows every key of the account once, and no other', async (pageSize) => {
    const created = await createKeys(23);
    await app.must('CreateKey', {}, { caller: mallory });
    await app.must('CreateKey', {}, { caller: { ...alice, region: 'us-east-1' } });

    const { items } = await readAll('ListKeys', {}, 'Keys', pageSize);

    expect(items.map((item) => item.KeyId).toSorted()).toEqual(created.toSorted());
    for (const { KeyId, KeyArn } of items) expect(KeyArn).toBe(`arn:aws:kms:eu-west-1:${alice.account}:key/${KeyId}`);
  });

  test('ListKeys shows no key as shared by another account, and its markers are for the same owners only', async () => {
    const created = await createKeys(3);
    await app.must('CreateKey', {}, { caller: mallory });

    const { items } = await readAll('ListKeys', { ResourceOwners: ['OTHER_ACCOUNTS_VIA_RAM', 'SELF'] }, 'Keys', 2);
    const { NextMarker } = await app.must('ListKeys', { Limit: 1, ResourceOwners: ['SELF'] });

    expect(items.map((item) => item.KeyId).toSorted()).toEqual(created.toSorted());
    expect(await app.must('ListKeys', { ResourceOwners: ['OTHER_ACCOUNTS_VIA_RAM'] })).toEqual({ Keys: [], Truncated: false });
    expect((await app.call('ListKeys', { Marker: NextMarker, ResourceOwners: ['SELF'] })).code).toBeUndefined();
    expect((await app.call('ListKeys', { Marker: NextMarker, ResourceOwners: ['OTHER_ACCOUNTS_VIA_RAM'] })).code).toBe('InvalidMarkerException');
  });

  test('a key that is made while the list is read hides and repeats none of the others', async () => {
    const created = await createKeys(10);
    const first = await app.must('ListKeys', { Limit: 4 });
    await createKeys(10);

    const seen = [...(first.Keys as Members[])];
    let marker = first.NextMarker;
    while (marker !== undefined) {
      const page = await app.must('ListKeys', { Limit: 4, Marker: marker });
      seen.push(...(page.Keys as Members[]));
      marker = page.NextMarker;
    }

    const ids = seen.map((item) => item.KeyId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(created));
  });

  test.each([1, 3, 100])('ListAliases in pages of %i shows every alias once, of the account and of one key', async (pageSize) => {
    const [one, two] = (await createKeys(2)) as [string, string];
    for (let at = 0; at < 11; at += 1) await app.must('CreateAlias', { AliasName: `alias/name-${at}`, TargetKeyId: at % 3 === 0 ? one : two });

    const all = await readAll('ListAliases', {}, 'Aliases', pageSize);
    const ofOne = await readAll('ListAliases', { KeyId: one }, 'Aliases', pageSize);

    expect(all.items.map((item) => item.AliasName).toSorted()).toEqual(Array.from({ length: 11 }, (_, at) => `alias/name-${at}`).toSorted());
    expect(ofOne.items.map((item) => item.AliasName).toSorted()).toEqual([0, 3, 6, 9].map((at) => `alias/name-${at}`));
    expect(ofOne.items.every((item) => item.TargetKeyId === one)).toBe(true);
  });

  test('ListResourceTags shows every tag once, whatever its characters', async () => {
    const key = await createKey();
    const Tags = ['a', 'A', 'é', '\u{1f512}', 'a b', '\uffff', 'z'].map((TagKey) => ({ TagKey, TagValue: `of ${TagKey}` }));
    await app.must('TagResource', { KeyId: key, Tags });

    const { items } = await readAll('ListResourceTags', { KeyId: key }, 'Tags', 2);

    expect(items).toHaveLength(Tags.length);
    expect(items).toEqual(expect.arrayContaining(Tags));
  });

  test('a tag that is removed between two pages hides no other', async () => {
    const key = await createKey();
    await app.must('TagResource', { KeyId: key, Tags: ['a', 'b', 'c', 'd'].map((TagKey) => ({ TagKey, TagValue: '' })) });
    const first = await app.must('ListResourceTags', { KeyId: key, Limit: 2 });
    await app.must('UntagResource', { KeyId: key, TagKeys: ['a', 'b'] });

    const second = await app.must('ListResourceTags', { KeyId: key, Limit: 2, Marker: first.NextMarker });

    expect((second.Tags as Members[]).map((tag) => tag.TagKey)).toEqual(['c', 'd']);
    expect(second.Truncated).toBe(false);
  });

  test('ListKeyRotations shows rotations oldest first, with the first material on request', async () => {
    const key = await createKey();
    for (let at = 0; at < 4; at += 1) await app.must('RotateKeyOnDemand', { KeyId: key });

    const rotations = await readAll('ListKeyRotations', { KeyId: key }, 'Rotations', 2);
    const material = await readAll('ListKeyRotations', { KeyId: key, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }, 'Rotations', 2);

    // The first material takes no place on a page of rotations.
    expect(rotations.items).toHaveLength(4);
    expect(rotations.pages).toBe(2);
    expect(material.items).toHaveLength(5);
    expect(material.items.map((item) => item.KeyMaterialState)).toEqual([...Array.from({ length: 4 }, () => 'NON_CURRENT'), 'CURRENT']);
    const metadata = (await app.must('DescribeKey', { KeyId: key })).KeyMetadata as Members;
    expect(material.items.at(-1)!.KeyMaterialId).toBe(metadata.CurrentKeyMaterialId);
  });

  test("a marker of one list, of one key or of another account's list opens no other", async () => {
    const [one, two] = (await createKeys(2)) as [string, string];
    for (const key of [one, two]) await app.must('TagResource', { KeyId: key, Tags: ['a', 'b'].map((TagKey) => ({ TagKey, TagValue: '' })) });
    const ofTags = (await app.must('ListResourceTags', { KeyId: one, Limit: 1 })).NextMarker;
    const ofKeys = (await app.must('ListKeys', { Limit: 1 })).NextMarker;

    const refused: Answer[] = [
      await app.call('ListResourceTags', { KeyId: two, Marker: ofTags }),
      await app.call('ListKeys', { Marker: ofTags }),
      await app.call('ListAliases', { Marker: ofKeys }),
    ];
    const foreign = await app.call('ListKeys', { Marker: ofKeys }, { caller: mallory });

    for (const answer of refused) expect(answer.code).toBe('InvalidMarkerException');
    expect(foreign.code).toBe('InvalidMarkerException');
  });
});

describe('tags', () => {
  test('are overwritten by the same key, and 51 are too many', async () => {
    const key = await createKey();
    await app.must('TagResource', { KeyId: key, Tags: [{ TagKey: 'team', TagValue: 'one' }] });
    await app.must('TagResource', { KeyId: key, Tags: [{ TagKey: 'team', TagValue: 'two' }] });
    const full = await app.call('TagResource', { KeyId: key, Tags: Array.from({ length: 50 }, (_, at) => ({ TagKey: `t${at}`, TagValue: '' })) });

    expect((await readKey(app, key)).record.tags).toEqual([{ TagKey: 'team', TagValue: 'two' }]);
    expect(full).toMatchObject({ code: 'TagException', message: 'Too many tags' });
  });

  test('names that are not there are passed over when they are removed', async () => {
    const key = await createKey();

    expect((await app.call('UntagResource', { KeyId: key, TagKeys: ['nothing'] })).code).toBeUndefined();
    expect((await readKey(app, key)).rev).toBe(1);
  });
});

describe('answers name a key as AWS does', () => {
  test('cryptographic operations by its ARN, metadata by id and ARN, under each of its names', async () => {
    const key = await createKey();
    const arn = `arn:aws:kms:eu-west-1:${alice.account}:key/${key}`;
    await app.must('CreateAlias', { AliasName: 'alias/name', TargetKeyId: arn });

    for (const KeyId of [key, arn, 'alias/name', `arn:aws:kms:eu-west-1:${alice.account}:alias/name`]) {
      const sealed = await app.must('Encrypt', { KeyId, Plaintext: 'eA==' });
      expect(sealed.KeyId).toBe(arn);
      expect((await app.must('Decrypt', { KeyId, CiphertextBlob: sealed.CiphertextBlob })).KeyId).toBe(arn);
      expect((await app.must('DescribeKey', { KeyId })).KeyMetadata).toMatchObject({ KeyId: key, Arn: arn });
    }
  });

  test('a multi-Region key has an mrk- id, and its ciphertexts decrypt', async () => {
    const { KeyId } = (await app.must('CreateKey', { MultiRegion: true })).KeyMetadata as { KeyId: string };

    const sealed = await app.must('Encrypt', { KeyId, Plaintext: 'eA==' });

    expect(KeyId).toMatch(/^mrk-[0-9a-f]{32}$/);
    expect((await app.must('Decrypt', { CiphertextBlob: sealed.CiphertextBlob })).Plaintext).toBe('eA==');
  });

  test('a deleted and a disabled key say so in their metadata', async () => {
    const key = await createKey();
    const scheduled = await app.must('ScheduleKeyDeletion', { KeyId: key, PendingWindowInDays: 7 });
    const metadata = (await app.must('DescribeKey', { KeyId: key })).KeyMetadata as Members;
    await app.must('CancelKeyDeletion', { KeyId: key });

    expect(scheduled).toMatchObject({ KeyState: 'PendingDeletion', PendingWindowInDays: 7, DeletionDate: (app.clock.now() + 7 * 86_400_000) / 1000 });
    expect(metadata).toMatchObject({ KeyState: 'PendingDeletion', Enabled: false, DeletionDate: scheduled.DeletionDate });
    expect((await app.must('DescribeKey', { KeyId: key })).KeyMetadata).toMatchObject({ KeyState: 'Disabled', Enabled: false });
    expect(((await app.must('DescribeKey', { KeyId: key })).KeyMetadata as Members).DeletionDate).toBeUndefined();
  });

  test('the status of a rotation names its period and date only while it is on', async () => {
    const key = await createKey();
    await app.must('EnableKeyRotation', { KeyId: key, RotationPeriodInDays: 180 });
    const on = await app.must('GetKeyRotationStatus', { KeyId: key });
    await writeKey(app, key, (record) => ({ ...record, state: 'PendingDeletion', deletion: { at: 1, pendingWindowDays: 7, requestedBy: 'x' } }));

    expect(on).toEqual({
      KeyId: `arn:aws:kms:eu-west-1:${alice.account}:key/${key}`,
      KeyRotationEnabled: true,
      RotationPeriodInDays: 180,
      NextRotationDate: (app.clock.now() + 180 * 86_400_000) / 1000,
    });
    expect((await app.must('GetKeyRotationStatus', { KeyId: key })).KeyRotationEnabled).toBe(false);
  });

  test('a marker that was edited anywhere, cut or lengthened is refused', async () => {
    await createKeys(3);
    const marker = String((await app.must('ListKeys', { Limit: 1 })).NextMarker);
    const edits = [...marker].map((character, at) => `${marker.slice(0, at)}${character === 'A' ? 'B' : 'A'}${marker.slice(at + 1)}`);

    for (const edited of [...edits, marker.slice(1), marker.slice(0, -1), `${marker}A`, ` ${marker}`, `${marker}=`, marker.slice(0, 43), marker.slice(43)]) {
      expect((await app.call('ListKeys', { Marker: edited })).code, edited).toBe('InvalidMarkerException');
    }
    expect((await app.call('ListKeys', { Marker: marker })).code).toBeUndefined();
  });

  test('a marker is of its operation, its Region and the whole question that it was asked for', async () => {
    await createKeys(3);
    const key = await createKey();
    for (let at = 0; at < 3; at += 1) await app.must('RotateKeyOnDemand', { KeyId: key });
    const ofKeys = (await app.must('ListKeys', { Limit: 1 })).NextMarker;
    const ofRotations = (await app.must('ListKeyRotations', { KeyId: key, Limit: 1 })).NextMarker;

    const elsewhere = await app.call('ListKeys', { Marker: ofKeys }, { caller: { ...alice, region: 'us-east-1' } });
    const otherQuestion = await app.call('ListKeyRotations', { KeyId: key, IncludeKeyMaterial: 'ALL_KEY_MATERIAL', Marker: ofRotations });

    expect([elsewhere.code, otherQuestion.code]).toEqual(['InvalidMarkerException', 'InvalidMarkerException']);
  });

  test('any process goes on where another stopped, over either protocol', async () => {
    const created = await createKeys(5);
    const first = await app.must('ListKeys', { Limit: 2 });

    const second = await app.another().must('ListKeys', { Limit: 1000, Marker: first.NextMarker }, { protocol: 'rest' });

    expect([...(first.Keys as Members[]), ...(second.Keys as Members[])].map(({ KeyId }) => KeyId).toSorted()).toEqual(created.toSorted());
  });

  test('a page that cannot be marked is not answered as if it were the last', async () => {
    await createKeys(3);
    // The seals of these keys are known from now on, and the bridge is needed for the marker alone.
    await app.must('ListKeys', {});
    app.crypto.failWith = 'unavailable';

    const truncated = await app.call('ListKeys', { Limit: 1 });
    const whole = await app.call('ListKeys', { Limit: 1000 });

    expect(truncated).toMatchObject({ status: 503, code: 'DependencyTimeoutException' });
    expect(whole.body.Truncated).toBe(false);
  });
});
