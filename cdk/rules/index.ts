import { archiveIsLocked } from './archive-is-locked.ts';
import { functionsAreInvokedByServices } from './functions-are-invoked-by-services.ts';
import { hsmClusterIsFipsAndKept } from './hsm-cluster-is-fips-and-kept.ts';
import { hsmGroupIsClosed } from './hsm-group-is-closed.ts';
import { keyChangesRaiseAlarms } from './key-changes-raise-alarms.ts';
import { keysAreClosed } from './keys-are-closed.ts';
import { materialHasNoStream } from './material-has-no-stream.ts';
import { nothingIsDropped } from './nothing-is-dropped.ts';
import { permissionsAreExact } from './permissions-are-exact.ts';
import { policiesFit } from './policies-fit.ts';
import { queuesRaiseAlarms } from './queues-raise-alarms.ts';
import { rolesHaveABoundary } from './roles-have-a-boundary.ts';
import { rolesWithinBoundary } from './roles-within-boundary.ts';
import { routesAreAuthorized } from './routes-are-authorized.ts';
import { rowsAreReachedByPartition } from './rows-are-reached-by-partition.ts';
import type { Rule } from './rule.ts';
import { stacksStaySmall } from './stacks-stay-small.ts';
import { stagesKeepBodiesToThemselves } from './stages-keep-bodies-to-themselves.ts';
import { stateIsKept } from './state-is-kept.ts';
import { storedUnderOwnKeys } from './stored-under-own-keys.ts';
import { tablesAreProtected } from './tables-are-protected.ts';
import { webAclIsInFront } from './web-acl-is-in-front.ts';

export const rules: readonly Rule[] = [
  archiveIsLocked,
  functionsAreInvokedByServices,
  hsmClusterIsFipsAndKept,
  hsmGroupIsClosed,
  keyChangesRaiseAlarms,
  keysAreClosed,
  materialHasNoStream,
  nothingIsDropped,
  permissionsAreExact,
  policiesFit,
  queuesRaiseAlarms,
  rolesHaveABoundary,
  rolesWithinBoundary,
  routesAreAuthorized,
  rowsAreReachedByPartition,
  stacksStaySmall,
  stagesKeepBodiesToThemselves,
  stateIsKept,
  storedUnderOwnKeys,
  tablesAreProtected,
  webAclIsInFront,
];
