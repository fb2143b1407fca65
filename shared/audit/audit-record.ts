import type { JsonObject } from '#shared/json.ts';

/**
 * What happened, once per request. Holds no plaintext, key bytes, ciphertext, signature or encryption-context value: operations name the
 * members that go into `parameters`, nothing else of the request gets here (threat T-09).
 */
export interface AuditRecord {
  readonly format: 1;
  /** UUIDv7, so that records sort by time. Delivery is at least once: readers drop repeats by it. */
  readonly eventId: string;
  /** ISO 8601 in UTC. */
  readonly time: string;
  readonly requestId: string;
  /** The operation's name; `unknown` when the request named none. */
  readonly operation: string;
  readonly protocol: 'aws-json' | 'rest' | 'system';
  readonly outcome: 'success' | 'denied' | 'failed';
  readonly errorCode?: string | undefined;
  /** For people who read the trail; the caller's own message. */
  readonly errorMessage?: string | undefined;
  readonly principal?: { readonly arn: string; readonly id: string; readonly account: string; readonly accessKeyId?: string | undefined } | undefined;
  readonly sourceIp?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly region?: string | undefined;
  readonly resources: readonly { readonly arn: string; readonly role: string; readonly protection?: string | undefined; readonly keyVersion?: number | undefined }[];
  readonly parameters: JsonObject;
}

/** Something that a person must look at: it does not replace the audit record of the request that met it. */
export interface Alarm {
  readonly eventId: string;
  readonly time: string;
  readonly kind: 'material-refused' | 'seal-broken' | 'audit-unavailable' | 'sweep-failed' | 'destruction-failed';
  readonly requestId?: string | undefined;
  readonly resource?: string | undefined;
  readonly message: string;
}
