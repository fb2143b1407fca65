import { boundaryActions } from '../permission-boundary.ts';
import type { Rule } from './rule.ts';
import { roleStatements } from './statements.ts';

const allowed: ReadonlySet<string> = new Set(boundaryActions.map((action) => action.toLowerCase()));

export const rolesWithinBoundary: Rule = {
  name: 'roles-within-boundary',
  because: 'What a role is given beyond its boundary is refused by IAM when it is used for the first time: in production.',
  check: (deployed) =>
    deployed.config.permissionsBoundaryArn !== undefined
      ? []
      : roleStatements(deployed)
          .filter(({ effect }) => effect === 'Allow')
          .flatMap(({ place: at, actions }) =>
            actions.filter((action) => !allowed.has(action.toLowerCase())).map((action) => ({ at, what: `allows ${action}, which cdk/permission-boundary.ts does not` })),
          ),
};
