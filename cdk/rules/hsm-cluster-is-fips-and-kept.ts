import { faults, type Rule } from './rule.ts';

export const hsmClusterIsFipsAndKept: Rule = {
  name: 'hsm-cluster-is-fips-and-kept',
  because: 'Without FIPS mode the promise about the keys is false, and a cluster that goes away with its stack takes every key along.',
  check: ({ of }) =>
    faults(
      of('AWS::CloudHSM::Cluster'),
      'is not hsm2m.medium in FIPS mode that outlives the stack',
      ({ Properties, DeletionPolicy, UpdateReplacePolicy }) =>
        Properties.HsmType !== 'hsm2m.medium' || Properties.Mode !== 'FIPS' || DeletionPolicy !== 'Retain' || UpdateReplacePolicy !== 'Retain',
    ),
};
