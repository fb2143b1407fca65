import { type Fault, faults, nameOf, type Rule, type RuledResource } from './rule.ts';

/** Where each type names its key. */
const keyOf: Readonly<Record<string, (properties: RuledResource['Properties']) => unknown>> = {
  'AWS::DynamoDB::Table': ({ SSESpecification }) => (SSESpecification?.SSEType === 'KMS' ? SSESpecification.KMSMasterKeyId : undefined),
  'AWS::Events::EventBus': ({ KmsKeyIdentifier }) => KmsKeyIdentifier,
  'AWS::Logs::LogGroup': ({ KmsKeyId }) => KmsKeyId,
  'AWS::S3::Bucket': ({ BucketEncryption }) => {
    const [rule] = BucketEncryption?.ServerSideEncryptionConfiguration ?? [];
    return rule?.BucketKeyEnabled === true && rule.ServerSideEncryptionByDefault?.SSEAlgorithm === 'aws:kms' ? rule.ServerSideEncryptionByDefault.KMSMasterKeyID : undefined;
  },
  'AWS::SecretsManager::Secret': ({ KmsKeyId }) => KmsKeyId,
  'AWS::SNS::Topic': ({ KmsMasterKeyId }) => KmsMasterKeyId,
  'AWS::SQS::Queue': ({ KmsMasterKeyId }) => KmsMasterKeyId,
};

export const storedUnderOwnKeys: Rule = {
  name: 'stored-under-own-keys',
  because: "Under a key of AWS's nobody here says who may decrypt, sees that somebody did, or can end it.",
  check(deployed): Fault[] {
    const own = new Set(
      deployed
        .of('AWS::KMS::Key')
        .filter(({ resource }) => resource.Properties.EnableKeyRotation === true)
        .map(nameOf),
    );
    return Object.entries(keyOf).flatMap(([type, key]) =>
      faults(
        deployed.of(type),
        'is not encrypted under a key of the deployment that rotates',
        ({ Properties }, { stack }) => !own.has(deployed.target(key(Properties), stack) ?? ''),
      ),
    );
  },
};
