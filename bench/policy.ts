/** The policy engine by itself: one decision on a key with the policy that the AWS console writes, an identity document and a grant in play. */
import { compilePolicy } from '#shared/policy/compiled-policy.ts';
import { decideOnKey } from '#shared/policy/decide.ts';
import type { GrantRecord } from '#shared/policy/grant.ts';
import { type FactSource, requestFacts } from '#shared/policy/request-facts.ts';
import type { Measurement } from './measure.ts';

const account = '111122223333';
const users = ['alice', 'bob', 'carol'].map((name) => `arn:aws:iam::${account}:user/${name}`);
const statements = [
  { Sid: 'Account', Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: '*' },
  {
    Sid: 'Admins',
    Effect: 'Allow',
    Principal: { AWS: users.slice(1) },
    Action: ['kms:Create*', 'kms:Describe*', 'kms:Enable*', 'kms:Put*', 'kms:Disable*', 'kms:Delete*'],
    Resource: '*',
  },
  {
    Sid: 'Use',
    Effect: 'Allow',
    Principal: { AWS: users },
    Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
    Resource: '*',
    Condition: {
      StringEquals: { 'kms:EncryptionContext:Department': 'it' },
      'ForAllValues:StringLike': { 'kms:EncryptionContextKeys': ['Dep*', 'Project'] },
      IpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '2001:db8::/32'] },
      DateLessThan: { 'aws:CurrentTime': '2030-01-01T00:00:00Z' },
    },
  },
  {
    Sid: 'Grants',
    Effect: 'Allow',
    Principal: { AWS: users },
    Action: ['kms:CreateGrant', 'kms:ListGrants'],
    Resource: '*',
    Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
  },
  { Sid: 'Transport', Effect: 'Deny', Principal: '*', Action: 'kms:*', Resource: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
];
const text = JSON.stringify({ Version: '2012-10-17', Statement: statements });
const identity = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: ['kms:Encrypt', 'kms:Decrypt'], Resource: `arn:aws:kms:*:${account}:key/*` } });

const perRound = 200;
const roundMs = 1500;

/** Each latency is the mean of a round, since the clock is coarser than a decision. */
function measureRounds(name: string, call: () => void): Measurement {
  for (let at = 0; at < 20_000; at += 1) call();
  const means: number[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < roundMs) {
    const before = performance.now();
    for (let at = 0; at < perRound; at += 1) call();
    means.push((performance.now() - before) / perRound);
  }
  const elapsedMs = performance.now() - startedAt;
  means.sort((a, b) => a - b);
  const at = (share: number): number => Number(means[Math.min(means.length - 1, Math.floor(means.length * share))]!.toFixed(6));
  return { name, opsPerSecond: Math.round((means.length * perRound * 1000) / elapsedMs), p50Ms: at(0.5), p99Ms: at(0.99), errors: 0, notes: `${(at(0.5) * 1000).toFixed(2)} us` };
}

export async function benchPolicy(report: (measurement: Measurement) => void): Promise<void> {
  const policy = compilePolicy(text, 'key');
  const documents = [{ role: 'user', policy: compilePolicy(identity, 'identity') }];
  const arn = `arn:aws:kms:eu-west-1:${account}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
  const principal = { arn: users[0]!, account, id: 'AIDAALICE00000000001' };
  const encryptionContext = { Department: 'it', Project: 'x' };
  const source: FactSource = {
    operation: 'Encrypt',
    role: 'key',
    input: { EncryptionContext: encryptionContext },
    caller: { account, region: 'eu-west-1', principalArn: principal.arn, principalId: principal.id, secureTransport: true },
    key: undefined,
    otherKeyArn: undefined,
    resourceAliases: undefined,
    partition: 'aws',
    now: Date.UTC(2026, 0, 15),
    sourceIp: '192.0.2.7',
    userAgent: 'bench',
  };
  const grant: GrantRecord = { grantId: 'g', account, region: 'eu-west-1', keyId: 'k', grantee: principal.arn, issuingAccount: '', operations: ['Decrypt'], createdAt: 0 };
  const grants = [grant];
  const decide = (action: string) => () => {
    const decision = decideOnKey({ account, policy, grants, grantRequest: { encryptionContext } }, documents, { principal, action, resource: arn, facts: requestFacts(source) });
    if (decision.outcome !== 'allowed') throw new Error(`${action} was ${decision.outcome}.`);
  };
  report(measureRounds('policy/decision', decide('kms:Encrypt')));
  report(measureRounds('policy/decision-by-role', decide('kms:Decrypt')));
  report(measureRounds('policy/compile', () => void compilePolicy(text, 'key')));
}
