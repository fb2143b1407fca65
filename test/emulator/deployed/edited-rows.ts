/** Threat T-04 on DynamoDB: somebody with write access to the tables changes what decides. Every kind of row is refused, with an alarm in the archive. */
import type { KMS } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '#shared/json.ts';
import type { Item, ItemKey } from '#shared/ports/record-store.ts';
import { bindingRow, granteeRow, grantRow, roleRow } from '#shared/repositories/access-rows.ts';
import { aliasOfKeyRow, aliasRow, keyRow } from '#shared/repositories/rows.ts';
import { createUser, kmsClient, rest } from '#test/support/deployed-callers.ts';
import { allowing } from '#test/support/people.ts';
import type { DeployedService } from './deployed-service.ts';

const account = '000000000000';
const dora = `arn:aws:iam::${account}:user/dora`;
const RoleName = 'open-door';
const AliasName = 'alias/open-door';

interface EditedRow {
  readonly row: () => ItemKey;
  /** Would give more than the row gives. */
  readonly edit: (body: JsonObject) => JsonObject;
  /** Reads the row. */
  readonly use: () => Promise<unknown>;
}

export function describeEditedRows(service: () => DeployedService): void {
  let kms: KMS;
  let asDora: KMS;
  let disabled: string;
  let granted: string;
  let named: string;
  let GrantId: string;
  const region = () => service().deployed.client.region;
  const newKey = async (): Promise<string> => (await kms.createKey({})).KeyMetadata?.KeyId ?? '';
  const encrypt = (client: KMS, KeyId: string) => client.encrypt({ KeyId, Plaintext: Buffer.from('x') });

  const rows: Readonly<Record<string, EditedRow>> = {
    'the state of a key': {
      row: () => keyRow({ region: region(), keyId: disabled }),
      edit: (body) => ({ ...body, state: 'Enabled' }),
      use: () => encrypt(kms, disabled),
    },
    'the policy of a key': {
      row: () => keyRow({ region: region(), keyId: granted }),
      edit: (body) => ({ ...body, policy: allowing('kms:*', { Principal: '*' }) }),
      use: () => asDora.decrypt({ KeyId: granted, CiphertextBlob: Buffer.from('x') }),
    },
    'the grants of a grantee': {
      row: () => granteeRow({ region: region(), keyId: granted }, dora),
      edit: (body) => JSON.parse(JSON.stringify(body).replace('"Encrypt"', '"Encrypt","Decrypt"')) as JsonObject,
      use: () => encrypt(asDora, granted),
    },
    'a grant': {
      row: () => grantRow({ region: region(), keyId: granted }, GrantId),
      edit: (body) => ({ ...body, retiring: dora }),
      use: () => kms.listGrants({ KeyId: granted }),
    },
    'an alias': {
      row: () => aliasRow({ region: region(), account, aliasName: AliasName }),
      edit: (body) => ({ ...body, targetKeyId: granted }),
      use: () => encrypt(kms, AliasName),
    },
    'an alias of a key': {
      row: () => aliasOfKeyRow({ region: region(), keyId: named }, AliasName),
      edit: (body) => ({ ...body, aliasName: 'alias/another' }),
      use: () => encrypt(asDora, named),
    },
    'a role': {
      row: () => roleRow({ account, name: RoleName }),
      edit: (body) => ({ ...body, document: allowing('*') }),
      use: () => encrypt(asDora, named),
    },
    'a binding': {
      row: () => bindingRow(dora),
      edit: (body) => ({ ...body, roles: ['administrator'] }),
      use: () => encrypt(asDora, named),
    },
  };

  const answerTo = (row: EditedRow): Promise<string> =>
    row.use().then(
      () => 'allowed',
      (error: Error) => error.name,
    );

  describe('rows that decide, edited in the table', () => {
    beforeAll(async () => {
      const { deployed, alice } = service();
      kms = kmsClient(deployed, alice);
      asDora = kmsClient(deployed, await createUser(deployed, 'dora', ['execute-api:Invoke']));
      [disabled, granted, named] = [await newKey(), await newKey(), await newKey()];
      await kms.disableKey({ KeyId: disabled });
      await kms.createAlias({ AliasName, TargetKeyId: named });
      ({ GrantId = '' } = await kms.createGrant({ KeyId: granted, GranteePrincipal: dora, Operations: ['Encrypt'] }));
      const Document = allowing('kms:Encrypt', { Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': AliasName } } });
      await rest(deployed, alice, 'POST', '/v1/roles', { body: { RoleName, Document } });
      await rest(deployed, alice, 'POST', '/v1/bindings', { body: { Principal: dora, RoleName } });
    });
    afterAll(() => {
      kms?.destroy();
      asDora?.destroy();
    });

    test.each(Object.keys(rows))('%s: refused while it is edited, answered as before once the row is as it was', async (kind) => {
      const { store } = service();
      const row = rows[kind]!;
      const [item] = (await store.getMany([row.row()])) as [Item];
      const before = await answerTo(row);

      await store.transact([{ put: { ...item, body: row.edit(item.body) } }]);
      const edited = await answerTo(row);
      await store.transact([{ put: { ...item, seal: undefined } }]);
      const unsealed = await answerTo(row);
      await store.transact([{ put: item }]);

      expect([edited, unsealed]).toEqual(['KMSInternalException', 'KMSInternalException']);
      expect(await answerTo(row)).toBe(before);
      expect(before).not.toBe('KMSInternalException');
    });

    test('each refusal left an alarm that names the row', async () => {
      const { archive } = service();
      const resources = Object.values(rows).map((row) => `${row.row().pk} ${row.row().sk}`);

      const alarms = await archive.until(archive.alarms, (all) => resources.every((resource) => all.some((alarm) => alarm.resource === resource)));

      expect(new Set(alarms.map(({ kind }) => kind))).toEqual(new Set(['seal-broken']));
    });
  });
}
