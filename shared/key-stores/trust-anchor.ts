import { createHash } from 'node:crypto';

const oneCertificate = /^\s*(-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END CERTIFICATE-----)\s*$/;

export interface TrustAnchor {
  readonly pem: string;
  /** Hexadecimal digits. */
  readonly sha256: string;
}

/** @returns undefined when the text is not exactly one certificate in PEM. Whether it is a good one shows when it is compared with the configured one. */
export function readTrustAnchor(text: string): TrustAnchor | undefined {
  const match = oneCertificate.exec(text);
  if (match === null) return undefined;
  const [, pem = '', body = ''] = match;
  return { pem, sha256: createHash('sha256').update(Buffer.from(body, 'base64')).digest('hex') };
}
