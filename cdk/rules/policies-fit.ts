import { faults, type Rule } from './rule.ts';

/** IAM and AWS STS quotas: all inline policies of a role together, without white space. Names of resources are put in by CloudFormation, so a margin is kept. */
const charactersMax = 10_240 * 0.9;
/** What CloudFormation writes for a reference: no ARN of ours is longer. */
const reference = 'x'.repeat(150);
/** The longest that there are. */
const pseudo: Readonly<Record<string, string>> = {
  'AWS::AccountId': '1'.repeat(12),
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'ap-southeast-1',
  'AWS::URLSuffix': 'amazonaws.com.cn',
};

export const policiesFit: Rule = {
  name: 'policies-fit',
  because: 'IAM refuses a role with too long a policy when it is deployed, and not before.',
  check: ({ of }) =>
    faults(of('AWS::IAM::Role'), 'has more policy than IAM takes', ({ Properties }) => {
      const documents = ((Properties.Policies ?? []) as { PolicyDocument: unknown }[]).map(({ PolicyDocument }) => written(PolicyDocument));
      return documents.reduce((sum, text) => sum + text.length, 0) > charactersMax;
    }),
};

/** As deployed, but for the lengths of names. */
const written = (document: unknown): string => JSON.stringify(document, (_, value: unknown) => resolved(value)).replaceAll(/\s/g, '');

function resolved(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return value;
  const { Ref: ref, 'Fn::Join': join } = value as { Ref?: string; 'Fn::Join'?: [string, unknown] };
  if (ref !== undefined) return pseudo[ref] ?? reference;
  if (join !== undefined && Array.isArray(join[1])) return join[1].map(resolved).join(join[0]);
  return Object.keys(value)[0]!.startsWith('Fn::') ? reference : value;
}
