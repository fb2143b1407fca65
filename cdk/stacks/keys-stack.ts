/**
 * The deployment's own keys for what AWS keeps of it, one per purpose (docs/adr/0041). The two places for audit records have one each: a key that is switched off
 * must not close both. The tables' key stands with the tables, that of the notifications with their topic.
 */
import { Stack, type StackProps } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { logService, ownKey, type ServiceUse } from '../constructs/own-key.ts';

export class KeysStack extends Stack {
  readonly bus: IKey;
  readonly queues: IKey;
  readonly logs: IKey;
  readonly secrets: IKey;
  readonly archive: IKey;

  constructor(scope: Construct, id: string, { deployment, destroyData }: DeploymentConfig, props: StackProps) {
    super(scope, id, props);
    this.bus = ownKey(this, 'Bus', {
      description: 'Encrypts events of Chatelaine on their way.',
      through: ['events'],
      services: this.#bus(deployment),
      destroyData,
    });
    this.queues = ownKey(this, 'Queues', {
      description: 'Encrypts the queues of Chatelaine.',
      through: ['sqs'],
      services: [this.#rulesIntoQueues(deployment)],
      destroyData,
    });
    this.logs = ownKey(this, 'Logs', { description: 'Encrypts the logs of Chatelaine.', services: [logService(this, deployment)], destroyData });
    this.secrets = ownKey(this, 'Secrets', { description: 'Encrypts the certificates and passwords of Chatelaine.', through: ['secretsmanager'], destroyData });
    this.archive = ownKey(this, 'Archive', { description: 'Encrypts the audit archive of Chatelaine.', through: ['s3'], destroyData, isIrreplaceable: true });
  }

  /** EventBridge itself encrypts what is put on a bus, and decrypts it for rules: for buses of this deployment (EventBridge user guide, "Key policy for event buses"). */
  #bus(deployment: string): ServiceUse[] {
    // The CDK names the bus to the administrator of the HSM, and leaves hyphens out.
    const names = [deployment, `${deployment.replaceAll('-', '')}hsmAdministration*`];
    const buses = names.map((resourceName) => this.formatArn({ service: 'events', resource: 'event-bus', resourceName }));
    const conditions = {
      StringEquals: { 'aws:SourceAccount': this.account },
      ArnLike: { 'aws:SourceArn': buses, 'kms:EncryptionContext:aws:events:event-bus:arn': buses },
    };
    return [{ service: 'events.amazonaws.com', actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey'], conditions }];
  }

  /** What rules put into queues, their dead letters included (SQS developer guide, "Enable compatibility between event sources and encrypted queues"). */
  #rulesIntoQueues(deployment: string): ServiceUse {
    const queues = this.formatArn({ service: 'sqs', resource: `${deployment}-*` });
    const conditions = { StringEquals: { 'aws:SourceAccount': this.account }, ArnLike: { 'kms:EncryptionContext:aws:sqs:arn': queues } };
    return { service: 'events.amazonaws.com', actions: ['kms:Decrypt', 'kms:GenerateDataKey'], conditions };
  }
}
