/** The three tables, split by recovery and IAM boundary (docs/adr/0004), under a key of their own. They outlive the stack. */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { indexNames, type TableName, tableNames } from '#shared/ports/record-store.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { ownKey, tableService } from '../constructs/own-key.ts';

export class DataStack extends Stack {
  readonly tableKey: Key;
  readonly tables: Readonly<Record<TableName, Table>>;

  constructor(scope: Construct, id: string, config: DeploymentConfig, props: StackProps) {
    super(scope, id, props);
    const removalPolicy = config.destroyData ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    this.tableKey = ownKey(this, 'TableKey', {
      description: 'Encrypts the tables of Chatelaine at rest.',
      through: ['dynamodb'],
      services: [tableService],
      destroyData: config.destroyData,
      isIrreplaceable: true,
    });
    const entries = tableNames.map((name) => [name, this.#table(name, config, removalPolicy)]);
    this.tables = Object.fromEntries(entries) as Record<TableName, Table>;
    for (const name of tableNames) new CfnOutput(this, capitalised(name), { value: this.tables[name].tableName });
  }

  #table(name: TableName, config: DeploymentConfig, removalPolicy: RemovalPolicy): Table {
    const text = (attribute: string) => ({ name: attribute, type: AttributeType.STRING });
    const table = new Table(this, `${capitalised(name)}Table`, {
      partitionKey: text('pk'),
      sortKey: text('sk'),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.tableKey,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: !config.destroyData,
      removalPolicy,
      // Only the outbox is read from a stream. One on the material table would be a second copy of the wrapped keys.
      ...(name === 'core' ? { stream: StreamViewType.NEW_AND_OLD_IMAGES } : {}),
    });
    for (const index of indexNames) {
      table.addGlobalSecondaryIndex({ indexName: index, partitionKey: text(`${index}Pk`), sortKey: text(`${index}Sk`), projectionType: ProjectionType.ALL });
    }
    return table;
  }
}

const capitalised = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
