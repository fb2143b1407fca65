import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readImmutableProperties } from '#cdk/gates/immutable-properties.ts';
import { type Baseline, baselineOf, lossesOf, type StackTemplates } from '#cdk/gates/replacements.ts';

const immutableOf = readImmutableProperties();
const released: StackTemplates = {
  'castle-data': {
    Resources: {
      Core: { Type: 'AWS::DynamoDB::Table', Properties: { KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }], BillingMode: 'PAY_PER_REQUEST', Tags: [] } },
      Key: { Type: 'AWS::KMS::Key', Properties: { Description: 'old' } },
      Reader: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'reader' } },
    },
  },
  'castle-hsm': { Resources: { Cluster: { Type: 'AWS::CloudHSM::Cluster', Properties: { HsmType: 'hsm2m.medium', SubnetIds: [{ Ref: 'A' }, { Ref: 'B' }], Mode: 'FIPS' } } } },
};
type Change = (copy: Record<string, { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> }>) => unknown;

function lossesAfter(change: Change): readonly string[] {
  const copy = structuredClone(released) as Parameters<Change>[0];
  change(copy);
  return lossesOf(baselineOf(released, immutableOf), baselineOf(copy, immutableOf));
}

describe('a change against what was released', () => {
  test.each<[string, Change, RegExp]>([
    ['takes a table away', (now) => delete now['castle-data']!.Resources.Core, /castle-data\/Core \(AWS::DynamoDB::Table\) would be removed/],
    [
      'gives a key another logical id',
      ({ 'castle-data': data }) => {
        data!.Resources.NewKey = data!.Resources.Key!;
        delete data!.Resources.Key;
      },
      /castle-data\/Key .* under another logical id/,
    ],
    ['changes the keys of a table', (now) => Object.assign(now['castle-data']!.Resources.Core!.Properties, { KeySchema: [] }), /Core .* replaced: KeySchema/],
    ['gives a table a name', (now) => Object.assign(now['castle-data']!.Resources.Core!.Properties, { TableName: 'core' }), /Core .* replaced: TableName/],
    ['moves a cluster to other subnets', (now) => Object.assign(now['castle-hsm']!.Resources.Cluster!.Properties, { SubnetIds: [{ Ref: 'A' }] }), /Cluster .* replaced: SubnetIds/],
    ['takes a cluster out of FIPS mode', (now) => Object.assign(now['castle-hsm']!.Resources.Cluster!.Properties, { Mode: 'NON_FIPS' }), /Cluster .* replaced: Mode/],
    [
      'turns a table into another type',
      (now) => Object.assign(now['castle-data']!.Resources.Core!, { Type: 'AWS::DynamoDB::GlobalTable' }),
      /from AWS::DynamoDB::Table into AWS::DynamoDB::GlobalTable/,
    ],
    ['takes a whole stack away', (now) => delete now['castle-hsm'], /Stack castle-hsm, which holds state, is gone/],
  ])('that %s is refused', (_, change, message) => {
    const losses = lossesAfter(change);

    expect(losses).toHaveLength(1);
    expect(losses[0]).toMatch(message);
  });

  test.each<[string, Change]>([
    ['changes nothing', () => undefined],
    ['changes what changes in place', (now) => Object.assign(now['castle-data']!.Resources.Core!.Properties, { BillingMode: 'PROVISIONED' })],
    ['replaces what holds no state', (now) => Object.assign(now['castle-data']!.Resources.Reader!.Properties, { RoleName: 'other' })],
    ['adds a table', (now) => Object.assign(now['castle-data']!.Resources, { More: { Type: 'AWS::DynamoDB::Table', Properties: {} } })],
    ['orders members otherwise', (now) => Object.assign(now['castle-data']!.Resources.Core!.Properties, { KeySchema: [{ KeyType: 'HASH', AttributeName: 'pk' }] })],
  ])('that %s is let through', (_, change) => {
    expect(lossesAfter(change)).toEqual([]);
  });
});

describe('the specification', () => {
  test('says of each stateful type what CloudFormation documents', () => {
    expect(immutableOf('AWS::CloudHSM::Cluster')).toEqual(expect.arrayContaining(['HsmType', 'SubnetIds', 'Mode', 'NetworkType']));
    expect(immutableOf('AWS::S3::Bucket')).toEqual(expect.arrayContaining(['BucketName', 'ObjectLockEnabled']));
    expect(immutableOf('AWS::SecretsManager::Secret')).toEqual(['Name']);
  });

  test('that does not know a type is no reason to let it through', () => {
    expect(() => immutableOf('AWS::DynamoDB::Tabel')).toThrow('does not have AWS::DynamoDB::Tabel');
  });
});

describe('the baselines', () => {
  const folder = resolve(import.meta.dirname, '../../cdk/baseline');

  test('hold the tables, the journal of the HSMs, the key, the archive and the certificates of every production profile', () => {
    const files = readdirSync(folder);

    expect(files.sort()).toEqual(['production-private.json', 'production.json']);
    for (const file of files) {
      const baseline = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Baseline;
      const types = Object.values(baseline).flatMap((resources) => Object.values(resources).map(({ type }) => type));
      expect(types.filter((type) => type === 'AWS::DynamoDB::Table')).toHaveLength(4);
      for (const type of ['AWS::KMS::Key', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret', 'AWS::Events::EventBus', 'AWS::SQS::Queue']) expect(types).toContain(type);
    }
  });
});
