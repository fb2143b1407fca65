/**
 * Alarms and dashboards over everything else, and the topic that tells people. It is made last: queues, tables and web ACLs get their alarms by being found in the
 * other stacks, and keys are watched by what CloudTrail says of them. Events of the service itself (a tampered row, a failed destruction) come from the bus without a detour over a metric (docs/adr/0035).
 */
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Alarm, type AlarmProps, AlarmRule, AlarmState, CompositeAlarm, Dashboard, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type CfnTopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { alarmDetailType, eventSource } from '#shared/audit/event-names.ts';
import type { DeploymentConfig } from '../config/deployment-config.ts';
import { ownKey } from '../constructs/own-key.ts';
import { ownQueue } from '../constructs/work-queue.ts';
import type { AlarmRow } from '../observability/alarm-row.ts';
import { dashboardPages } from '../observability/dashboards.ts';
import { foundAlarms, foundComparison, foundMissing } from '../observability/found-alarms.ts';
import { keyChangesPattern } from '../observability/key-changes.ts';
import { lifecycleAlarms } from '../observability/lifecycle-alarms.ts';
import { type OwnMetrics, ownMetricsOf } from '../observability/own-metrics.ts';
import { requestAlarms } from '../observability/request-alarms.ts';
import type { AuditStack } from './audit-stack.ts';
import type { KeysStack } from './keys-stack.ts';

export interface ObservabilityStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly audit: AuditStack;
  readonly keys: KeysStack;
}

export class ObservabilityStack extends Stack {
  readonly topic: Topic;
  readonly #props: ObservabilityStackProps;
  readonly #own: OwnMetrics;
  readonly #alarms = new Map<string, IAlarm>();
  readonly #deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props);
    this.#props = props;
    this.#own = ownMetricsOf(props.config.deployment);
    this.topic = this.#topic();
    this.#deadLetterQueue = ownQueue(this, 'EventDeadLetters', props.keys.queues);
    this.#serviceEvents();
    if (props.config.observability.alarms) this.#allAlarms();
    for (const { name, widgets } of dashboardPages(this.#own, props.config.deployment)) {
      new Dashboard(this, `Dashboard-${name}`, { dashboardName: `${props.config.deployment}-${name}`, widgets: widgets.map((line) => [...line]) });
    }
    new CfnOutput(this, 'AlarmTopic', { value: this.topic.topicArn, description: 'What tells people. Subscribe more receivers here.' });
  }

  /** CloudWatch cannot publish to a topic under the account's own SNS key: that key's policy is not ours to change. */
  #topic(): Topic {
    const { observability, destroyData } = this.#props.config;
    const publishers = ['cloudwatch.amazonaws.com', 'events.amazonaws.com'].map((service) => ({
      service,
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
    }));
    // Kept, so that whoever switches it off to silence the alarms has to change its policy first, of which they still tell.
    const description = 'Encrypts the notifications of Chatelaine.';
    const key = ownKey(this, 'TopicKey', { description, through: ['sns'], services: publishers, destroyData, isIrreplaceable: true });
    const topic = new Topic(this, 'Topic', { displayName: 'Chatelaine alarms', enforceSSL: true });
    // Not by the construct's own property, which would widen the policy of the key.
    (topic.node.defaultChild as CfnTopic).kmsMasterKeyId = key.keyArn;
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    );
    for (const email of observability.emails) topic.addSubscription(new EmailSubscription(email));
    observability.queueArns.forEach((arn, at) => {
      topic.addSubscription(new SqsSubscription(Queue.fromQueueArn(this, `Receiver${at}`, arn)));
    });
    return topic;
  }

  /** Kind and ids only: a mail leaves the account, and key ARNs have no business outside. The record is in the archive under its event id. */
  #serviceEvents(): void {
    const text = `Chatelaine alarm ${EventField.fromPath('$.detail.kind')} at ${EventField.fromPath('$.detail.time')}, event ${EventField.fromPath('$.detail.eventId')}. Runbook: ${this.#runbook('service-alarms')}`;
    new Rule(this, 'ServiceAlarms', {
      description: 'Alarms that the service raises itself go to people at once.',
      eventBus: this.#props.audit.bus,
      eventPattern: { source: [eventSource], detailType: [alarmDetailType] },
      targets: [this.#toPeople(text)],
    });
  }

  /** CloudTrail puts its events on the account's own bus, where a trail records management events. Again without the ARN. */
  #keyChanges(): void {
    const text = `Chatelaine alarm: ${EventField.fromPath('$.detail.eventName')} was called for a KMS key of the deployment at ${EventField.fromPath('$.detail.eventTime')}, event ${EventField.fromPath('$.detail.eventID')} of CloudTrail. Runbook: ${this.#runbook('own-keys-changed')}`;
    new Rule(this, 'KeyChanges', {
      description: 'Keys of the deployment that are switched off or on, deleted, or get another policy.',
      eventPattern: keyChangesPattern(this.node.root.node.findAll()),
      targets: [this.#toPeople(text)],
    });
  }

  #toPeople(text: string): SnsTopic {
    return new SnsTopic(this.topic, { message: RuleTargetInput.fromText(text), deadLetterQueue: this.#deadLetterQueue, retryAttempts: 185, maxEventAge: Duration.hours(24) });
  }

  #allAlarms(): void {
    for (const row of [...requestAlarms, ...lifecycleAlarms]) if (row.when?.(this.#props.config) !== false) this.#fromRow(row);
    this.#found();
    this.#keyChanges();
    this.#composites();
  }

  #fromRow({ id, what, metric, threshold, comparison, points: [datapointsToAlarm, evaluationPeriods], missing }: AlarmRow): void {
    const { config } = this.#props;
    const context = { config, thresholds: config.observability.thresholds, own: this.#own };
    const limits = { threshold: threshold(context), comparisonOperator: comparison, datapointsToAlarm, evaluationPeriods, treatMissingData: missing };
    this.#alarm(id, id, what, { metric: metric(context), ...limits });
  }

  #found(): void {
    const { config } = this.#props;
    for (const { name, runbook, what, metric, threshold, points } of foundAlarms(this.node.root.node.findAll(), config.deployment, config.observability.thresholds)) {
      const [datapointsToAlarm, evaluationPeriods] = points;
      this.#alarm(`${runbook}-${name}`, runbook, what, {
        metric,
        threshold,
        datapointsToAlarm,
        evaluationPeriods,
        comparisonOperator: foundComparison,
        treatMissingData: foundMissing,
      });
    }
  }

  #alarm(id: string, runbook: string, what: string, props: AlarmProps): void {
    const alarm = new Alarm(this, `Alarm-${id}`, { ...props, alarmName: `${this.#props.config.deployment}-${id}`, alarmDescription: this.#described(what, runbook) });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    this.#alarms.set(id, alarm);
  }

  /** Where two alarms together say what neither says alone. */
  #composites(): void {
    this.#composite('hsm-path-down', 'Requests fail because the HSM cannot be reached: begin with the bridge, not with the API.', ['request-faults', 'bridge-calls-failing']);
    this.#composite('audit-at-risk', 'The first place for audit records is down and the second does not hold: answers are being withheld.', [
      'audit-append-failures',
      'answers-withheld',
    ]);
  }

  #composite(id: string, what: string, of: readonly string[]): void {
    const alarms = of.map((name) => this.#alarms.get(name)!);
    const alarmRule = AlarmRule.allOf(...alarms.map((alarm) => AlarmRule.fromAlarm(alarm, AlarmState.ALARM)));
    const composite = new CompositeAlarm(this, `Composite-${id}`, {
      compositeAlarmName: `${this.#props.config.deployment}-${id}`,
      alarmDescription: this.#described(what, id),
      alarmRule,
    });
    composite.addAlarmAction(new SnsAction(this.topic));
  }

  #described = (what: string, runbook: string): string => `${what} Runbook: ${this.#runbook(runbook)}`;
  #runbook = (id: string): string => `${this.#props.config.observability.runbooks}${id}.md`;
}
