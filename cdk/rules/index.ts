import { archiveIsLocked } from './archive-is-locked.ts';
import { deadLettersRaiseAlarms } from './dead-letters-raise-alarms.ts';
import { functionsAreInvokedByServices } from './functions-are-invoked-by-services.ts';
import { hsmClusterIsFipsAndKept } from './hsm-cluster-is-fips-and-kept.ts';
import { hsmGroupIsClosed } from './hsm-group-is-closed.ts';
import { materialHasNoStream } from './material-has-no-stream.ts';
import { nothingIsDropped } from './nothing-is-dropped.ts';
import { permissionsAreExact } from './permissions-are-exact.ts';
import { rolesHaveABoundary } from './roles-have-a-boundary.ts';
import { rolesWithinBoundary } from './roles-within-boundary.ts';
import { routesAreAuthorized } from './routes-are-authorized.ts';
import type { Rule } from './rule.ts';
import { stacksStaySmall } from './stacks-stay-small.ts';
import { stagesKeepBodiesToThemselves } from './stages-keep-bodies-to-themselves.ts';
import { stateIsKept } from './state-is-kept.ts';
import { tablesAreProtected } from './tables-are-protected.ts';
import { webAclIsInFront } from './web-acl-is-in-front.ts';

export const rules: readonly Rule[] = [
  archiveIsLocked,
  deadLettersRaiseAlarms,
  functionsAreInvokedByServices,
  hsmClusterIsFipsAndKept,
  hsmGroupIsClosed,
  materialHasNoStream,
  nothingIsDropped,
  permissionsAreExact,
  rolesHaveABoundary,
  rolesWithinBoundary,
  routesAreAuthorized,
  stacksStaySmall,
  stagesKeepBodiesToThemselves,
  stateIsKept,
  tablesAreProtected,
  webAclIsInFront,
];
