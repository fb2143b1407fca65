import { faults, type Rule } from './rule.ts';

export const archiveIsLocked: Rule = {
  name: 'archive-is-locked',
  because: 'An audit trail that its administrator can delete proves nothing.',
  check: ({ config, of }) =>
    faults(of('AWS::S3::Bucket'), 'is an archive without a lock that outlives its stack', ({ Properties, DeletionPolicy }, { id }) => {
      const { Mode, Days } = Properties.ObjectLockConfiguration?.Rule?.DefaultRetention ?? {};
      const isLocked = Properties.ObjectLockEnabled === true && Mode === config.audit.lockMode && Days === config.audit.retentionDays && DeletionPolicy === 'Retain';
      return /^Archive/.test(id) && !isLocked;
    }),
};
