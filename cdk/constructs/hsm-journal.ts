/** The journal of the HSM reconciler: what it did and what it is about to do, so that a driver that died is followed by one that knows. */
import { RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { journalPartition } from '#shared/cloudhsm/settings.ts';
import { ownKey, tableService } from './own-key.ts';
import { keyStatement, onPartitions } from './service-resources.ts';

export interface HsmJournal {
  readonly tableName: string;
  /** What the reconciler needs to use it. */
  readonly statements: readonly PolicyStatement[];
}

export function hsmJournal(stack: Stack, destroyData: boolean): HsmJournal {
  const tableKey = ownKey(stack, 'JournalKey', {
    description: 'Encrypts the journal of the HSM reconciler.',
    through: ['dynamodb'],
    services: [tableService],
    destroyData: false,
  });
  const table = new Table(stack, 'Journal', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    encryptionKey: tableKey,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: !destroyData,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const statements = [
    new PolicyStatement({ actions: ['dynamodb:GetItem', 'dynamodb:PutItem'], resources: [table.tableArn], conditions: onPartitions([journalPartition]) }),
    keyStatement(true, { tableKey }, stack),
  ];
  return { tableName: table.tableName, statements };
}
