/**
 * What a decision is made on. Keys of `facts` are condition keys in lower case (IAM compares them without case); a missing key is a key that the
 * request does not have. Values are strings; lists are multivalued keys.
 */
export type Facts = ReadonlyMap<string, string | readonly string[]>;

export interface PrincipalIdentity {
  /** arn:aws:iam::123456789012:user/x, …:role/x, …:root, or arn:aws:sts::…:assumed-role/x/session */
  readonly arn: string;
  readonly account: string;
  /** AIDA…, AROA…:session */
  readonly id: string;
}

export interface DecisionRequest {
  readonly principal: PrincipalIdentity;
  /** `kms:Encrypt` */
  readonly action: string;
  readonly resource: string;
  readonly facts: Facts;
}
