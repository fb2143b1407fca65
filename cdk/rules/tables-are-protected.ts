import { faults, type Rule } from './rule.ts';

export const tablesAreProtected: Rule = {
  name: 'tables-are-protected',
  because: 'The tables hold every wrapped key: without recovery or protection one call destroys what nobody can make again.',
  check: ({ config, of }) =>
    faults(of('AWS::DynamoDB::Table'), 'is not encrypted under our key, recoverable and protected against deletion', ({ Properties }, { stack }) => {
      const { SSESpecification: encryption, PointInTimeRecoverySpecification: recovery, DeletionProtectionEnabled: isProtected } = Properties;
      // A table elsewhere holds notes of the deployment about itself, which DynamoDB encrypts with its own key.
      const isEncrypted = !stack.endsWith('-data') || (encryption?.SSEType === 'KMS' && encryption.KMSMasterKeyId !== undefined);
      return !(isEncrypted && recovery?.PointInTimeRecoveryEnabled === true && (isProtected === true || config.destroyData));
    }),
};
