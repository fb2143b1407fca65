/** Who calls, as verified by API Gateway (requestContext.identity) or the single node's SigV4 verifier. Never taken from a header or a body. */
export interface Caller {
  /** 12 digits. The account whose keys a bare key id means. */
  readonly account: string;
  /** The Region whose keys a bare key id means. */
  readonly region: string;
  readonly principalArn: string;
  /** The unique id (AIDA…, AROA…:session): it does not pass to a namesake that is made later. */
  readonly principalId: string;
  readonly accessKeyId?: string | undefined;
}
