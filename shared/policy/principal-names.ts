/** The names by which a principal can be meant. */

export interface PrincipalIdentity {
  /** arn:aws:iam::123456789012:user/x, …:role/x, …:root, or arn:aws:sts::…:assumed-role/x/session */
  readonly arn: string;
  readonly account: string;
  /** AIDA…, AROA…:session */
  readonly id: string;
}

const rolePattern = /^(arn:aws[a-z-]*:iam::[0-9]{12}:role)\/(?:.*\/)?([^/]+)$/;
const sessionPattern = /^arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role\/([^/]+)\/.+$/;
const accountPattern = /^(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(?::root)?$/;

/** The ARN of a session has lost the path of its role, and role names are unique in an account: so roles are compared without their path. */
export const canonicalPrincipal = (arn: string): string => arn.replace(rolePattern, '$1/$2');

/** The role behind an assumed-role session. */
export function roleOfSession(arn: string): string | undefined {
  const session = sessionPattern.exec(arn);
  return session === null ? undefined : `arn:${session[1]}:iam::${session[2]}:role/${session[3]}`;
}

/** By the ARN that they are the names of. Asked for several times in each request. */
const knownNames = new Map<string, readonly string[]>();
const knownNamesMax = 10_000;

/** Whom a binding or a grant for this principal may name: itself, and its role when it is a session. */
export function principalNames(arn: string): readonly string[] {
  const known = knownNames.get(arn);
  if (known !== undefined) return known;
  const role = roleOfSession(arn);
  const names = Object.freeze(role === undefined ? [canonicalPrincipal(arn)] : [arn, role]);
  if (knownNames.size >= knownNamesMax) knownNames.clear();
  knownNames.set(arn, names);
  return names;
}

/** The unique ids: its own, and that of the role when it is a session. */
export const principalIds = (id: string): readonly string[] => (id.includes(':') ? [id, id.slice(0, id.indexOf(':'))] : [id]);

/** The account that a principal element means as a whole: 12 digits, or the ARN of its root. */
export const accountOfPrincipalElement = (name: string): string | undefined => accountPattern.exec(name)?.[1];

/** The account itself: arn:aws:iam::123456789012:root. */
export const isAccountRoot = (arn: string): boolean => /^arn:aws[a-z-]*:iam::[0-9]{12}:root$/.test(arn);
export const rootArn = (partition: string, account: string): string => `arn:${partition}:iam::${account}:root`;

const arnPattern =
  /^arn:aws[a-z-]*:(?:iam::[0-9]{12}:(?:root|(?:user|role|service|federated-user|saml-provider|oidc-provider)\/[^*?\s]{1,600})|sts::[0-9]{12}:(?:assumed-role|federated-user)\/[^*?\s]{1,600})$/;

/** An ARN of a principal: user, role, session, federated user or account. No wildcards. */
export const isPrincipalArn = (text: string): boolean => arnPattern.test(text);
/** What IAM makes of an ARN when it stores it: AIDA…, AROA…. */
export const isPrincipalId = (text: string): boolean => /^A[A-Z]{3}[A-Z0-9]{12,124}$/.test(text);
export const isServicePrincipal = (text: string): boolean => /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$/.test(text);
export const accountOfArn = (arn: string): string | undefined => arn.split(':')[4];
