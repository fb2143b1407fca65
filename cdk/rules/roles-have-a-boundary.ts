import { faults, type Rule } from './rule.ts';

export const rolesHaveABoundary: Rule = {
  name: 'roles-have-a-boundary',
  because: 'A policy that somebody attaches to a role later must not make it more than the deployment ever needs.',
  check: ({ of }) => [
    ...faults(of('AWS::IAM::Role'), 'has no permission boundary', ({ Properties }) => Properties.PermissionsBoundary === undefined),
    ...faults(of('AWS::IAM::User'), 'is a user: people and programs come with roles', () => true),
  ],
};
