/**
 * A key of the deployment for what AWS stores for it. The policy names who uses the key and for what; the statement for the account does not hand out more than
 * that: principals of the account need it in their own policies as well, and reach the key only through the service that stores (AWS KMS Developer Guide, "Key policies").
 */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, AnyPrincipal, Effect, PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

/** A service that uses a key in its own name. */
export interface ServiceUse {
  /** `events.amazonaws.com` */
  readonly service: string;
  readonly actions: readonly string[];
  /** Absent only where nothing is used, but looked at. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface OwnKeyProps {
  readonly description: string;
  /** What keeps under the key what belongs to the account's principals: `sqs`. They use the key through it and nowhere else. */
  readonly through?: readonly ('dynamodb' | 'events' | 's3' | 'secretsmanager' | 'sns' | 'sqs')[];
  readonly services?: readonly ServiceUse[];
  /** It goes away with the stack: development only. */
  readonly destroyData: boolean;
  /** Nobody switches it off or schedules its deletion without changing its policy first: what it encrypts cannot be made again, or tells of just that. */
  readonly isIrreplaceable?: boolean;
}

/** Everything about the key but its use. Without the account's own right to change the policy nobody could ever again. */
const administration = [
  ...['CancelKeyDeletion', 'CreateAlias', 'DeleteAlias', 'DescribeKey', 'DisableKey', 'DisableKeyRotation', 'EnableKey', 'EnableKeyRotation', 'GetKeyPolicy'],
  ...['GetKeyRotationStatus', 'ListGrants', 'ListKeyPolicies', 'ListKeyRotations', 'ListResourceTags', 'PutKeyPolicy', 'RevokeGrant', 'RotateKeyOnDemand'],
  ...['ScheduleKeyDeletion', 'TagResource', 'UntagResource', 'UpdateAlias', 'UpdateKeyDescription'],
].map((name) => `kms:${name}`);
const use = ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'].map((name) => `kms:${name}`);

/** For principals of the account whose own policies say so. */
export const administrationStatement = (): PolicyStatement =>
  new PolicyStatement({ sid: 'Administration', principals: [new AccountRootPrincipal()], actions: administration, resources: ['*'] });

export function ownKey(scope: Construct, id: string, { description, through = [], services = [], destroyData, isIrreplaceable = false }: OwnKeyProps): Key {
  const { account, region, urlSuffix } = Stack.of(scope);
  const resources = ['*'];
  const viaService = through.map((service) => `${service}.${region}.${urlSuffix}`);
  const throughServices = { StringEquals: { 'kms:CallerAccount': account, 'kms:ViaService': viaService } };
  const statements = [
    administrationStatement(),
    ...(through.length === 0 ? [] : [new PolicyStatement({ sid: 'Use', principals: [new AccountRootPrincipal()], actions: use, resources, conditions: throughServices })]),
    // DynamoDB holds a grant on the key of a table.
    ...(through.includes('dynamodb')
      ? [
          new PolicyStatement({
            sid: 'Grants',
            principals: [new AccountRootPrincipal()],
            actions: ['kms:CreateGrant'],
            resources,
            conditions: { ...throughServices, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
          }),
        ]
      : []),
    ...services.map(
      ({ service, actions, conditions = {} }, at) =>
        new PolicyStatement({ sid: `Service${at}`, principals: [new ServicePrincipal(service)], actions: [...actions], resources, conditions }),
    ),
  ];
  if (isIrreplaceable && !destroyData)
    statements.push(new PolicyStatement({ sid: 'Kept', effect: Effect.DENY, principals: [new AnyPrincipal()], actions: ['kms:DisableKey', 'kms:ScheduleKeyDeletion'], resources }));
  return new Key(scope, id, {
    description,
    enableKeyRotation: true,
    removalPolicy: destroyData ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    policy: new PolicyDocument({ statements, minimize: false }),
  });
}

/** DynamoDB looks at the key of a table by itself (DynamoDB developer guide, "Encryption at rest usage notes"). */
export const tableService: ServiceUse = {
  service: 'dynamodb.amazonaws.com',
  actions: ['kms:DescribeKey', 'kms:GetKeyPolicy', 'kms:ListGrants', 'kms:ListResourceTags'],
};

/**
 * CloudWatch Logs, for the log groups of the deployment. Reading a log needs no right to its key: the service decrypts for whoever may read (CloudWatch Logs user
 * guide, "Encrypt log data").
 */
export function logService(stack: Stack, deployment: string): ServiceUse {
  const groups = [`${deployment}-*`, `aws-waf-logs-${deployment}*`].map((name) => stack.formatArn({ service: 'logs', resource: `log-group:${name}` }));
  return { service: `logs.${stack.region}.${stack.urlSuffix}`, actions: use, conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': groups } } };
}
