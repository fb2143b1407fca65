/** Who may use destructive operations where the deployment has a custodian's role (docs/adr/0042). The same rule at each place that asks it. */
import { destructiveOperations } from './destructive-operations.ts';

/** AWS STS API Reference, AssumeRole, RoleSessionName. */
const sessionName = /^[\w+=,.@-]{2,64}$/;

/**
 * @param sessions the beginning of the ARNs of the role's sessions, `arn:aws:sts::111122223333:assumed-role/chatelaine-custodian/`. Undefined: there is no such
 * role, and the service's own roles and key policies decide alone.
 */
export function isKeptFromDestroying(operation: string, principalArn: string, sessions: string | undefined): boolean {
  if (sessions === undefined || !destructiveOperations.has(operation)) return false;
  // A setting that came out empty must not let everybody in.
  if (!/^arn:[a-z-]+:sts::[0-9]{12}:assumed-role\/[\w+=,.@-]+\/$/.test(sessions)) return true;
  return !(principalArn.startsWith(sessions) && sessionName.test(principalArn.slice(sessions.length)));
}
