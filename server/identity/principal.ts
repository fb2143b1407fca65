import { hash } from 'node:crypto';

/** Someone who may sign requests to the single node. */
export interface Principal {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** When present, requests must carry exactly this token, signed. */
  readonly sessionToken?: string | undefined;
  /** 12 digits */
  readonly account: string;
  readonly principalArn: string;
  readonly principalId: string;
  /** Roles of its account that the file gives it, beside what is bound through the API. */
  readonly roles?: readonly string[] | undefined;
  /** What policies ask for as aws:PrincipalTag/… */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** aws:PrincipalOrgID */
  readonly organizationId?: string | undefined;
}

const uniqueDigits = (arn: string): string => hash('sha256', `chatelaine principal id\n${arn}`, 'hex').slice(0, 17).toUpperCase();

/** IAM's unique ids tell a person from a later namesake; a local principal without one gets an id that depends on its ARN only. */
export function derivePrincipalId(principalArn: string): string {
  const assumed = /^(.+:assumed-role\/[^/]+)\/(.+)$/.exec(principalArn);
  if (assumed !== null) return `AROA${uniqueDigits(assumed[1]!)}:${assumed[2]}`;
  return `${principalArn.includes(':role/') ? 'AROA' : 'AIDA'}${uniqueDigits(principalArn)}`;
}
