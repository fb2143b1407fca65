/** Where audit records end: bus → rule → queue → archiver → locked bucket, and the queue that takes records when the bus does not (docs/adr/0012). */
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { type EventBus, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectLockRetention, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { alarmDetailType, auditDetailType, eventSource } from '#shared/audit/event-names.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { ownBus } from '../constructs/own-bus.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import { receiveStatements, WorkQueue } from '../constructs/work-queue.ts';
import { auditArchiverGrants } from '../grants.ts';
import type { KeysStack } from './keys-stack.ts';
import type { NetworkStack } from './network-stack.ts';

export interface AuditStackProps extends StackProps {
  readonly codeFolder: string;
  readonly network: NetworkStack | undefined;
  readonly keys: KeysStack;
}

const archiverTimeoutSeconds = 30;

export class AuditStack extends Stack {
  readonly bus: EventBus;
  /** For functions, when the bus is down. */
  readonly fallbackQueue: Queue;
  readonly archive: Bucket;
  readonly #keys: KeysStack;

  constructor(scope: Construct, id: string, config: DeploymentConfig, props: AuditStackProps) {
    super(scope, id, props);
    const { codeFolder, network, keys } = props;
    this.#keys = keys;
    const arrivals = new WorkQueue(this, 'Arrivals', { workerTimeoutSeconds: archiverTimeoutSeconds, receivesMax: 10, key: keys.queues });
    const fallback = new WorkQueue(this, 'Fallback', { workerTimeoutSeconds: archiverTimeoutSeconds, receivesMax: 10, key: keys.queues });
    this.bus = ownBus(this, 'Bus', {
      eventBusName: config.deployment,
      description: 'Audit records and alarms of Chatelaine.',
      key: keys.bus,
      deadLetters: arrivals.deadLetters,
    });
    this.fallbackQueue = fallback.queue;
    this.archive = this.#archive(config);
    new CfnOutput(this, 'ArchiveBucket', { value: this.archive.bucketName });

    new Rule(this, 'ArchiveRule', {
      description: 'Every audit record and every alarm goes into the archive.',
      eventBus: this.bus,
      eventPattern: { source: [eventSource], detailType: [auditDetailType, alarmDetailType] },
      targets: [
        new SqsQueue(arrivals.queue, {
          message: RuleTargetInput.fromEventPath('$.detail'),
          deadLetterQueue: arrivals.deadLetters,
          retryAttempts: 185,
          maxEventAge: Duration.hours(24),
        }),
      ],
    });
    this.#archiver(config, codeFolder, network, [arrivals.queue, fallback.queue]);
  }

  #archive(config: DeploymentConfig): Bucket {
    const duration = Duration.days(config.audit.retentionDays);
    return new Bucket(this, 'Archive', {
      objectLockEnabled: true,
      objectLockDefaultRetention: config.audit.lockMode === 'COMPLIANCE' ? ObjectLockRetention.compliance(duration) : ObjectLockRetention.governance(duration),
      versioned: true,
      encryption: BucketEncryption.KMS,
      encryptionKey: this.#keys.archive,
      // One request to AWS KMS for many objects, bound to the bucket.
      bucketKeyEnabled: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      // Whatever the profile: no deployment deletes an audit trail.
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  #archiver(config: DeploymentConfig, codeFolder: string, network: NetworkStack | undefined, queues: readonly Queue[]): void {
    const logGroup = new LogGroup(this, 'Logs', { retention: config.logRetentionDays, encryptionKey: this.#keys.logs, removalPolicy: RemovalPolicy.DESTROY });
    const archiver = new ServiceFunction(this, 'Archiver', {
      kind: 'auditArchiver',
      functionName: `${config.deployment}-audit-archiver`,
      description: 'Writes audit records and alarms into the locked bucket.',
      codeFolder,
      network: network?.workers,
      entrypoint: 'audit-archiver',
      environment: { CHATELAINE_ARCHIVE_BUCKET: this.archive.bucketName },
      grants: auditArchiverGrants,
      resources: { archive: this.archive, keys: this.#keys },
      statements: receiveStatements(queues, this.#keys.queues, this),
      logGroup,
      timeoutSeconds: archiverTimeoutSeconds,
    });
    queues.forEach((queue, at) => {
      new EventSourceMapping(this, `ArchiverSource${at}`, {
        target: archiver.function,
        eventSourceArn: queue.queueArn,
        // One object per batch: waiting a little keeps their number low.
        batchSize: 500,
        maxBatchingWindow: Duration.seconds(at === 0 ? 20 : 5),
        reportBatchItemFailures: true,
      });
    });
  }
}
