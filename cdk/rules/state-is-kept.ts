import { faults, type Rule } from './rule.ts';

const types = ['AWS::DynamoDB::Table', 'AWS::KMS::Key', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret', 'AWS::CloudHSM::Cluster'];

export const stateIsKept: Rule = {
  name: 'state-is-kept',
  because: 'A removed stack, or a replaced resource, must not take keys or their audit trail along.',
  check: ({ config, of }) =>
    config.profile === 'production'
      ? faults(types.flatMap(of), 'does not outlive its stack', ({ DeletionPolicy, UpdateReplacePolicy }) => DeletionPolicy !== 'Retain' || UpdateReplacePolicy !== 'Retain')
      : [],
};
