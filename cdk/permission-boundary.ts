/**
 * The most that any role of the deployment can ever do, whatever policies somebody attaches to it later. Actions only: on which resources is said by the roles
 * themselves. A rule (cdk/rules/roles-within-boundary.ts) fails the synthesis when a role is given more, because IAM would refuse it only when it is used.
 */
const actions: Readonly<Record<string, readonly string[]>> = {
  // Deleting is for the break-glass role alone, which people assume with MFA; a test of the HSM stack looks for it in every other role.
  cloudhsm: [
    ...['DeleteBackup', 'DeleteCluster', 'DeleteHsm'],
    ...['CopyBackupToRegion', 'CreateCluster', 'CreateHsm', 'DescribeBackups', 'DescribeClusters', 'InitializeCluster', 'ListTags', 'ModifyBackupAttributes', 'ModifyCluster'],
    ...['RestoreBackup', 'TagResource', 'UntagResource'],
  ],
  cloudwatch: ['PutMetricData'],
  dynamodb: [
    ...['BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'DescribeStream', 'GetItem', 'GetRecords', 'GetShardIterator', 'ListStreams', 'PutItem', 'Query', 'UpdateItem'],
  ],
  // Functions in the VPC, and the cluster's own security group and interfaces.
  ec2: [
    ...['AssignPrivateIpAddresses', 'AuthorizeSecurityGroupEgress', 'AuthorizeSecurityGroupIngress', 'CreateNetworkInterface', 'CreateSecurityGroup', 'CreateTags'],
    ...['DeleteNetworkInterface', 'DescribeNetworkInterfaceAttribute', 'DescribeNetworkInterfaces', 'DescribeSecurityGroups', 'DescribeSubnets', 'DescribeVpcs'],
    ...['DetachNetworkInterface', 'ModifyNetworkInterfaceAttribute', 'RevokeSecurityGroupEgress', 'RevokeSecurityGroupIngress', 'UnassignPrivateIpAddresses'],
  ],
  ecr: ['BatchCheckLayerAvailability', 'BatchGetImage', 'GetAuthorizationToken', 'GetDownloadUrlForLayer'],
  ecs: ['DescribeTasks', 'RunTask', 'StopTask', 'TagResource'],
  events: ['PutEvents'],
  'execute-api': ['Invoke'],
  iam: ['CreateServiceLinkedRole', 'PassRole'],
  kms: [
    ...['Decrypt', 'DescribeKey', 'DisableKey', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GetPublicKey', 'ReEncryptFrom', 'ReEncryptTo', 'Sign', 'Verify'],
  ],
  lambda: ['GetFunction', 'InvokeFunction'],
  // Most are those of the role that API Gateway writes its logs with.
  logs: ['CreateLogDelivery', 'CreateLogGroup', 'CreateLogStream', 'DescribeLogGroups', 'DescribeLogStreams', 'FilterLogEvents', 'GetLogEvents', 'PutLogEvents'],
  s3: ['GetObject', 'PutObject'],
  secretsmanager: ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'],
  sns: ['Publish'],
  sqs: ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', 'ReceiveMessage', 'SendMessage'],
  ssm: ['GetParameter', 'GetParameters', 'PutParameter'],
  states: ['StartExecution'],
};

export const boundaryActions: readonly string[] = Object.entries(actions).flatMap(([service, names]) => names.map((name) => `${service}:${name}`));

export const boundaryName = (deployment: string): string => `${deployment}-boundary`;
