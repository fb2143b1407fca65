import { AwsSolutionsChecks, HIPAASecurityChecks, type NagPack, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import type { IConstruct } from 'constructs';

/** The packs that every profile must pass. PCI DSS 3.2.1 is retired by its council and is the newest that cdk-nag has. */
export const rulePacks = (scope: IConstruct): readonly NagPack[] => [
  new AwsSolutionsChecks(scope),
  new NIST80053R5Checks(scope),
  new PCIDSS321Checks(scope),
  new HIPAASecurityChecks(scope),
];
