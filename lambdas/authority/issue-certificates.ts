/**
 * The bridge's certificate authority. Every certificate is replaced in the second half of its life, so that its readers have the other half to notice, and
 * at once when its names, its issuer or the set of trusted authorities change.
 */
import { createHash } from 'node:crypto';
import { type AuthorityKey, authorityCertificate, issueUnder } from '#bridge/pki/certificates.ts';
import type { CallerClass } from '#shared/bridge-protocol.ts';
import type { CertificateSecrets } from './certificate-secrets.ts';

export type Subject =
  | { readonly secret: string; readonly kind: 'client'; readonly callerClass: CallerClass }
  | { readonly secret: string; readonly kind: 'bridge'; readonly names: readonly string[] };

export interface AuthoritySettings {
  /** The first one issues, all are trusted: a change of authority goes over a time in which both are. */
  readonly keys: readonly [DatedKey, ...DatedKey[]];
  readonly subjects: readonly Subject[];
  readonly secrets: CertificateSecrets;
  readonly validDays: number;
  readonly now: number;
}

interface DatedKey extends AuthorityKey {
  readonly createdAt: Date;
}

export interface Issued {
  /** Secrets that were written. */
  readonly written: readonly string[];
  /** PEM of all trusted authorities. */
  readonly trusted: string;
}

const dayMs = 86_400_000;
const authorityYears = 10;

/** @throws Error when the authority ends before what it would issue */
export async function issueCertificates({ keys, subjects, secrets, validDays, now }: AuthoritySettings): Promise<Issued> {
  const [issuer] = keys;
  if (!(validDays >= 1 && validDays <= 90)) throw new Error('Certificates live from 1 to 90 days.');
  if (authorityEnd(issuer).getTime() < now + validDays * dayMs) throw new Error('The authority ends before the certificates that it would issue. Give it a successor.');
  const certificates = await Promise.all(keys.map((key) => authorityCertificate(key, { notBefore: key.createdAt, notAfter: authorityEnd(key) })));
  const trusted = certificates.join('\n');
  const written: string[] = [];
  for (const subject of subjects) {
    const fingerprint = fingerprintOf(subject, keys);
    if (isGood(await secrets.currentVersion(subject.secret), fingerprint, validDays, now)) continue;
    const { certificate: cert, key } = await issueUnder({ certificate: certificates[0]!, key: issuer }, { ...subject, validDays });
    const endsAt = Math.floor(now / 1000) + validDays * 86_400;
    await secrets.put(subject.secret, `${String(endsAt).padStart(12, '0')}-${fingerprint}`, JSON.stringify({ ca: trusted, cert, key }));
    written.push(subject.secret);
  }
  return { written, trusted };
}

const authorityEnd = ({ createdAt }: DatedKey): Date => new Date(createdAt.getTime() + authorityYears * 365 * dayMs);

/** What the certificate says, beside its time: 40 hexadecimal digits. */
function fingerprintOf(subject: Subject, keys: readonly AuthorityKey[]): string {
  const says = subject.kind === 'client' ? subject.callerClass : subject.names;
  const trusts = keys.map(({ publicKey }) => Buffer.from(publicKey).toString('base64'));
  return createHash('sha256')
    .update(JSON.stringify([subject.kind, says, trusts]))
    .digest('hex')
    .slice(0, 40);
}

/** Issued for the same, and not yet in the second half of its life. A version that somebody else wrote has another name and is replaced. */
function isGood(version: string | undefined, fingerprint: string, validDays: number, now: number): boolean {
  const [ends, says] = version?.split('-', 2) ?? [];
  return says === fingerprint && Number(ends) * 1000 - now > (validDays * dayMs) / 2;
}
