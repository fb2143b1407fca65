/** What happens without a caller: rotation and destruction when they are due, and the publishing of what changes recorded. */
import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { type ILogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { partitions } from '#shared/repositories/partitions.ts';
import { DeleteExpiredKeyMaterial } from '#shared/sweeps/delete-expired-key-material.ts';
import { DeleteKey } from '#shared/sweeps/delete-key.ts';
import { RotateKey } from '#shared/sweeps/rotate-key.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { ServiceFunction } from '../constructs/service-function.ts';
import { queueKeyStatement, type ServiceResources } from '../constructs/service-resources.ts';
import { ownQueue, receiveStatements, WorkQueue } from '../constructs/work-queue.ts';
import { dueTaskGrants, keyStoreGrants, outboxPublisherGrants, sweepGrants } from '../grants.ts';
import type { AuditStack } from './audit-stack.ts';
import type { BridgeStack } from './bridge-stack.ts';
import type { DataStack } from './data-stack.ts';
import { bridgeEnvironment, keyStoreEnvironment, tableEnvironment } from './environment.ts';
import type { KeysStack } from './keys-stack.ts';
import type { NetworkStack } from './network-stack.ts';

export interface LifecycleStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly codeFolder: string;
  readonly data: DataStack;
  readonly audit: AuditStack;
  readonly bridge: BridgeStack;
  readonly keys: KeysStack;
  readonly network: NetworkStack | undefined;
}

const taskTimeoutSeconds = 60;
/** Tasks at once over all workers: what the HSM should spend on them beside its callers. */
const tasksAtOnce = 4;

export class LifecycleStack extends Stack {
  readonly #props: LifecycleStackProps;
  readonly #logGroup: ILogGroup;

  constructor(scope: Construct, id: string, props: LifecycleStackProps) {
    super(scope, id, props);
    this.#props = props;
    this.#logGroup = new LogGroup(this, 'Logs', { retention: props.config.logRetentionDays, encryptionKey: props.keys.logs, removalPolicy: RemovalPolicy.DESTROY });
    const tasks = new WorkQueue(this, 'Tasks', { workerTimeoutSeconds: taskTimeoutSeconds, receivesMax: 5, key: props.keys.queues });
    this.#sweep(tasks);
    this.#worker(tasks);
    this.#outboxPublisher();
  }

  #resources(): ServiceResources {
    const { data, audit, bridge, keys } = this.#props;
    return {
      keys,
      tables: data.tables,
      tableKey: data.tableKey,
      bus: audit.bus,
      auditQueue: audit.fallbackQueue,
      bridgeSecrets: bridge.secrets,
      keyStoreSecrets: bridge.keyStoreSecrets,
    };
  }

  #sweep(tasks: WorkQueue): void {
    const { config, codeFolder, data } = this.#props;
    const sweep = new ServiceFunction(this, 'Sweep', {
      kind: 'sweep',
      functionName: `${config.deployment}-sweep`,
      description: 'Finds keys that are due for rotation or destruction and queues them.',
      codeFolder,
      network: this.#props.network?.workers,
      entrypoint: 'sweep',
      environment: { ...tableEnvironment(data), CHATELAINE_TASK_QUEUE_URL: tasks.queue.queueUrl },
      grants: sweepGrants,
      resources: { ...this.#resources(), taskQueue: tasks.queue },
      logGroup: this.#logGroup,
      timeoutSeconds: 120,
    });
    this.#schedule('SweepSchedule', 'Looks for keys that are due.', Duration.minutes(config.sweepMinutes), sweep, tasks.deadLetters);
  }

  #worker(tasks: WorkQueue): void {
    const { config, codeFolder, data, audit, bridge, keys } = this.#props;
    const worker = new ServiceFunction(this, 'DueTask', {
      kind: 'dueTask',
      functionName: `${config.deployment}-due-task`,
      description: 'Rotates and destroys keys that are due.',
      codeFolder,
      network: this.#props.network?.callers,
      entrypoint: 'due-task',
      environment: {
        ...tableEnvironment(data),
        ...bridgeEnvironment(bridge, bridge.secrets.rotation),
        ...keyStoreEnvironment(this, config, bridge.keyStoreSecrets, 'rotation'),
        CHATELAINE_PARTITION: this.partition,
        CHATELAINE_EVENT_BUS: audit.bus.eventBusName,
        CHATELAINE_AUDIT_QUEUE_URL: audit.fallbackQueue.queueUrl,
      },
      grants: [...dueTaskGrants([RotateKey, DeleteKey, DeleteExpiredKeyMaterial]), ...keyStoreGrants('rotation')],
      resources: this.#resources(),
      statements: receiveStatements([tasks.queue], keys.queues, this),
      logGroup: this.#logGroup,
      memoryMb: 512,
      timeoutSeconds: taskTimeoutSeconds,
    });
    new EventSourceMapping(this, 'DueTaskSource', {
      target: worker.function,
      eventSourceArn: tasks.queue.queueArn,
      batchSize: 5,
      maxConcurrency: tasksAtOnce,
      reportBatchItemFailures: true,
    });
  }

  #outboxPublisher(): void {
    const { config, codeFolder, data, audit, keys } = this.#props;
    const { core } = data.tables;
    const streamArn = core.tableStreamArn;
    if (streamArn === undefined) throw new Error('The core table has no stream.');
    const deadLetters = ownQueue(this, 'OutboxDeadLetters', keys.queues);
    const publisher = new ServiceFunction(this, 'OutboxPublisher', {
      kind: 'outboxPublisher',
      functionName: `${config.deployment}-outbox-publisher`,
      description: 'Publishes the audit records that changes committed with themselves.',
      codeFolder,
      network: this.#props.network?.workers,
      entrypoint: 'outbox-publisher',
      environment: { ...tableEnvironment(data), CHATELAINE_EVENT_BUS: audit.bus.eventBusName },
      grants: outboxPublisherGrants,
      resources: this.#resources(),
      statements: [
        new PolicyStatement({ actions: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], resources: [streamArn] }),
        new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }),
        queueKeyStatement('send', [deadLetters.queueArn], keys.queues, this),
      ],
      logGroup: this.#logGroup,
      timeoutSeconds: 60,
    });
    new EventSourceMapping(this, 'OutboxSource', {
      target: publisher.function,
      eventSourceArn: streamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      bisectBatchOnError: true,
      // What still fails stays in the table, where the schedule below finds it.
      retryAttempts: 10,
      onFailure: new SqsDlq(deadLetters),
      reportBatchItemFailures: true,
      filters: [FilterCriteria.filter({ eventName: FilterRule.isEqual('INSERT'), dynamodb: { Keys: { pk: { S: FilterRule.beginsWith(partitions.core.outbox) } } } })],
    });
    this.#schedule('OutboxSchedule', 'Publishes audit records that the stream missed.', Duration.minutes(5), publisher, deadLetters);
  }

  #schedule(id: string, description: string, every: Duration, target: ServiceFunction<'sweep'> | ServiceFunction<'outboxPublisher'>, deadLetterQueue: Queue): void {
    new Rule(this, id, { description, schedule: Schedule.rate(every), targets: [new LambdaFunction(target.function, { deadLetterQueue, retryAttempts: 2 })] });
  }
}
