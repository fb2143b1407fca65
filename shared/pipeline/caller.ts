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

  // What policies may also ask about. Each is absent where nothing verified says it; a condition on it then meets a missing key.
  readonly organizationId?: string | undefined;
  readonly organizationPaths?: readonly string[] | undefined;
  readonly principalTags?: Readonly<Record<string, string>> | undefined;
  readonly sourceVpc?: string | undefined;
  readonly sourceVpce?: string | undefined;
  readonly vpcSourceIp?: string | undefined;
  /** The AWS service that asks on the principal's behalf: `s3.eu-west-1.amazonaws.com`. */
  readonly viaService?: string | undefined;
  /** The resource on whose behalf a service principal asks. */
  readonly sourceArn?: string | undefined;
  readonly secureTransport?: boolean | undefined;
}
