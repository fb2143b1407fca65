/** A request as it came over HTTP, before anything was believed of it. */
export interface ApiRequest {
  readonly method: string;
  /** Raw: undecoded, without the query. */
  readonly path: string;
  /** Raw, without the question mark. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly sourceIp: string;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the access log and the metrics only, never sent. */
  readonly summary: ResponseSummary;
}

export interface ResponseSummary {
  readonly requestId: string;
  readonly operation: string | undefined;
  readonly principalArn: string | undefined;
  readonly errorCode: string | undefined;
  readonly keySpec?: string | undefined;
  /** Another function answered the request and counts it. */
  readonly isForwarded?: boolean;
}
