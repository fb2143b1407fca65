/** Alarms and dashboards: each is about something that is really measured, leads to a page that says what to do, and reaches somebody. */
import { existsSync, readFileSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '#cdk/config/deployment-config.ts';
import { observabilityConfigSchema } from '#cdk/config/observability-config.ts';
import { foundAlarms } from '#cdk/observability/found-alarms.ts';
import { lifecycleAlarms } from '#cdk/observability/lifecycle-alarms.ts';
import { ownMetricsOf } from '#cdk/observability/own-metrics.ts';
import { requestAlarms } from '#cdk/observability/request-alarms.ts';
import { type DimensionName, descriptorOf, type MetricName, metricDescriptors, metricNames } from '#shared/metrics/descriptors.ts';
import { sourceFiles } from '../arch/import-graph.ts';
import { ofType, productionContext, type Resource, readable, stackNames, synthesise, type Templates } from './synthesised.ts';

let templates: Templates;
beforeAll(() => {
  templates = synthesise({ observability: { emails: ['keys@example.org'], queueArns: ['arn:aws:sqs:eu-west-1:111122223333:pager'] } });
});

interface Dimension {
  readonly Name: string;
  readonly Value: unknown;
}
interface MetricOfAlarm {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly Dimension[];
}

const alarms = (): Resource[] =>
  [...ofType(templates.observability, 'AWS::CloudWatch::Alarm'), ...ofType(templates.observability, 'AWS::CloudWatch::CompositeAlarm')].map(([, alarm]) => alarm);
const describedAs = (text: unknown): string => /Runbook: (docs\/runbooks\/[a-z0-9-]+\.md)$/.exec(String(text))?.[1] ?? String(text);
const metricsOf = ({ Properties }: Resource): MetricOfAlarm[] =>
  Properties.MetricName === undefined
    ? ((Properties.Metrics ?? []) as { MetricStat?: { Metric: MetricOfAlarm } }[]).flatMap(({ MetricStat }) => MetricStat?.Metric ?? [])
    : [Properties as unknown as MetricOfAlarm];

/** Where code that runs in production records a metric by its name. */
const recordedNames = (): ReadonlySet<string> => {
  const texts = sourceFiles()
    .filter((file) => /^(shared|lambdas|server|hsm-bridge)\//.test(file) && file !== 'shared/metrics/descriptors.ts')
    .map((file) => readFileSync(file, 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(/\brecord\('([A-Z][A-Za-z]+)'/g)].map((match) => match[1]!)));
};

describe('alarms', () => {
  test('each leads to a runbook that exists', () => {
    const missing = alarms()
      .map(({ Properties }) => describedAs(Properties.AlarmDescription))
      .filter((file) => !existsSync(file));

    expect(alarms().length).toBeGreaterThan(30);
    expect(missing).toEqual([]);
    for (const { id } of [...requestAlarms, ...lifecycleAlarms]) expect(existsSync(`docs/runbooks/${id}.md`), id).toBe(true);
  });

  test('each tells people, and says so again when it is over', () => {
    for (const [, { Properties }] of ofType(templates.observability, 'AWS::CloudWatch::Alarm')) {
      expect(Properties.AlarmActions).toHaveLength(1);
      expect(Properties.OKActions).toEqual(Properties.AlarmActions);
      expect(Properties.TreatMissingData).toMatch(/^(breaching|notBreaching|ignore)$/);
    }
  });

  test('each of our own metrics in an alarm is published under exactly these dimensions', () => {
    const own = alarms()
      .flatMap(metricsOf)
      .filter(({ Namespace }) => Namespace === 'Chatelaine');

    expect(own.length).toBeGreaterThan(20);
    for (const { MetricName: name, Dimensions = [] } of own) {
      const sets = descriptorOf(name as MetricName).sets.map((set) => [...set, 'deployment'].sort());
      expect(sets, name).toContainEqual(Dimensions.map(({ Name }) => Name).sort());
    }
  });

  test('each metric of the table is recorded by code that runs in production', () => {
    const recorded = recordedNames();

    expect(metricNames.filter((name) => !recorded.has(name))).toEqual([]);
    for (const name of recorded) expect(metricDescriptors).toHaveProperty(name);
  });

  test('a metric or a combination of dimensions that nobody publishes cannot get into an alarm', () => {
    const own = ownMetricsOf('chatelaine');

    expect(() => own('BridgeCallLatency', { dimensions: { result: 'ok' } })).toThrow('not published');
    expect(() => own('OverdueTasks')).toThrow('not published');
  });

  test('no alarm and no dashboard is about a key, an account or a principal', () => {
    const dimensions = new Set(
      Object.values(metricDescriptors)
        .flatMap<DimensionName>(({ dimensions }) => [...dimensions])
        .sort(),
    );

    expect([...dimensions]).toEqual(['alarm', 'cause', 'certificate', 'keySpec', 'lane', 'operation', 'outcome', 'result', 'sink', 'task']);
  });
});

test('the alarms of an own cluster and an own bridge are about published metrics too, and come with them', () => {
  const config = readConfig(productionContext().chatelaine);
  const context = { config, thresholds: config.observability.thresholds, own: ownMetricsOf(config.deployment) };
  const withCluster = { ...config, hsm: { source: 'managed' } } as unknown as typeof config;
  const comes = (id: string, given: typeof config): boolean => lifecycleAlarms.find((row) => row.id === id)?.when?.(given) !== false;

  for (const { metric, threshold } of [...requestAlarms, ...lifecycleAlarms]) {
    expect(metric(context)).toBeDefined();
    expect(threshold(context)).toBeGreaterThan(0);
  }
  for (const id of ['hsm-missing', 'hsm-degraded', 'hsm-divergence', 'hsm-backup-age']) expect([comes(id, config), comes(id, withCluster)]).toEqual([false, true]);
});

describe('what the stacks hold', () => {
  const queues = (of: Templates): string[] => stackNames.flatMap((stack) => ofType(of[stack], 'AWS::SQS::Queue').map(([id]) => id));
  const watched = (of: Templates): string =>
    JSON.stringify(
      ofType(of.observability, 'AWS::CloudWatch::Alarm')
        .map(([, alarm]) => metricsOf(alarm))
        .filter(([metric]) => metric?.Namespace === 'AWS/SQS'),
    );

  test('every queue has an alarm: of dead letters on their number, of others on their age', () => {
    expect(queues(templates)).toHaveLength(8);
    for (const id of queues(templates)) expect(watched(templates)).toContain(id);
    for (const [, alarm] of ofType(templates.observability, 'AWS::CloudWatch::Alarm')) {
      const [metric] = metricsOf(alarm);
      if (metric?.Namespace === 'AWS/SQS')
        expect(metric.MetricName).toBe(/DeadLetters/.test(JSON.stringify(metric.Dimensions)) ? 'ApproximateNumberOfMessagesVisible' : 'ApproximateAgeOfOldestMessage');
    }
  });

  test('a queue that somebody adds has one too', () => {
    const stack = new Stack(new App(), 'chatelaine-late');
    new Queue(stack, 'Late');

    const found = foundAlarms(stack.node.root.node.findAll(), 'chatelaine', observabilityConfigSchema.parse({}).thresholds);

    expect(found.map(({ name, runbook }) => [name, runbook])).toEqual([['late-Late', 'dead-letters']]);
  });

  test('every table has an alarm on refused requests', () => {
    expect(alarms().filter(({ Properties }) => String(Properties.AlarmName).includes('table-throttles'))).toHaveLength(3);
  });
});

describe('notifications', () => {
  const ruleNamed = (start: string): Resource => ofType(templates.observability, 'AWS::Events::Rule').find(([id]) => id.startsWith(start))![1];

  test('tell of calls that switch a key of the deployment off, delete it or change its policy, and of refused ones, without naming it', () => {
    const { EventPattern, EventBusName, Targets } = ruleNamed('KeyChanges').Properties as {
      EventPattern: { detail: { eventName: string[]; resources: { ARN: unknown[] } } };
      EventBusName?: unknown;
      Targets: { Arn: unknown; InputTransformer: { InputTemplate: string; InputPathsMap: Record<string, string> } }[];
    };
    const keys = stackNames.flatMap((stack) => ofType(templates[stack], 'AWS::KMS::Key').map(([id]) => `${stack}.${id.replace(/[0-9A-F]{8}$/, '')}.Arn`));

    expect(EventPattern).toMatchObject({ source: ['aws.kms'], 'detail-type': ['AWS API Call via CloudTrail'], detail: { eventSource: ['kms.amazonaws.com'] } });
    expect(EventPattern.detail.eventName).toEqual(expect.arrayContaining(['DisableKey', 'ScheduleKeyDeletion', 'PutKeyPolicy']));
    expect(EventPattern.detail).not.toHaveProperty('errorCode');
    // CloudTrail knows no bus but the account's own.
    expect(EventBusName).toBeUndefined();
    expect(keys.length).toBeGreaterThan(6);
    expect(EventPattern.detail.resources.ARN.map((arn) => readable(arn, 'observability', templates)).sort()).toEqual(keys.sort());
    expect(Targets.map(({ Arn }) => Arn)).toEqual([{ Ref: ofType(templates.observability, 'AWS::SNS::Topic')[0]![0] }]);
    expect(Targets[0]!.InputTransformer.InputTemplate).toContain('docs/runbooks/own-keys-changed.md');
    expect(Object.values(Targets[0]!.InputTransformer.InputPathsMap).sort()).toEqual(['$.detail.eventID', '$.detail.eventName', '$.detail.eventTime']);
  });

  test('cannot be silenced by switching off their own key before its policy is changed', () => {
    const [[, key]] = ofType(templates.observability, 'AWS::KMS::Key') as [[string, Resource]];
    const { Statement } = key.Properties.KeyPolicy as { Statement: { Effect: string; Action: string[] }[] };

    expect(Statement.find(({ Effect }) => Effect === 'Deny')).toMatchObject({ Action: ['kms:DisableKey', 'kms:ScheduleKeyDeletion'], Principal: { AWS: '*' } });
  });

  test('the topic is encrypted under a key of ours, refuses plain HTTP, and takes notifications of this account only', () => {
    const [[, topic]] = ofType(templates.observability, 'AWS::SNS::Topic') as [[string, Resource]];
    const [[, policy]] = ofType(templates.observability, 'AWS::SNS::TopicPolicy') as [[string, Resource]];
    const { Statement } = policy.Properties.PolicyDocument as { Statement: { Effect: string; Principal: { Service?: string }; Condition?: object }[] };

    expect(topic.Properties.KmsMasterKeyId).toBeDefined();
    expect(Statement.find(({ Effect }) => Effect === 'Deny')?.Condition).toEqual({ Bool: { 'aws:SecureTransport': 'false' } });
    expect(Statement.find(({ Principal }) => Principal.Service === 'cloudwatch.amazonaws.com')?.Condition).toEqual({
      StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
    });
  });

  test('alarms that the service raises itself reach it without a metric between, and carry no key to the outside', () => {
    const rule = ruleNamed('ServiceAlarms');
    const [target] = rule.Properties.Targets as { DeadLetterConfig: unknown; InputTransformer: { InputPathsMap: Record<string, string> } }[];

    expect(rule.Properties.EventPattern).toEqual({ source: ['chatelaine'], 'detail-type': ['Alarm'] });
    expect(target?.DeadLetterConfig).toBeDefined();
    expect(Object.values(target!.InputTransformer.InputPathsMap).sort()).toEqual(['$.detail.eventId', '$.detail.kind', '$.detail.time']);
  });

  test('receivers come from the configuration', () => {
    expect(
      ofType(templates.observability, 'AWS::SNS::Subscription')
        .map(([, { Properties }]) => Properties.Protocol)
        .sort(),
    ).toEqual(['email', 'sqs']);
  });
});

test('the page of each alarm says what it means, what to look at, what to do, and how to know that it is over', () => {
  const headings = ['## What it means', '## Look at', '## Do', '## It is over when'];
  const pages = new Set([
    ...alarms().map(({ Properties }) => describedAs(Properties.AlarmDescription)),
    ...[...requestAlarms, ...lifecycleAlarms].map(({ id }) => `docs/runbooks/${id}.md`),
    'docs/runbooks/own-keys-changed.md',
  ]);

  for (const page of pages) {
    const text = readFileSync(page, 'utf8');
    for (const heading of headings) expect(text, page).toContain(heading);
  }
});
