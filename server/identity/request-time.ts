/** When a request says it was signed, from x-amz-date or Date. */
import { KmsError } from '#shared/errors.ts';

export interface RequestTime {
  readonly header: 'x-amz-date' | 'date';
  readonly ms: number;
  /** YYYYMMDDTHHMMSSZ */
  readonly basic: string;
}

const basicPattern = /^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z$/;

/** @throws KmsError IncompleteSignatureException */
export function readRequestTime(headers: Readonly<Record<string, string>>): RequestTime {
  const amzDate = headers['x-amz-date'];
  const header = amzDate === undefined ? 'date' : 'x-amz-date';
  const text = amzDate ?? headers.date;
  if (text === undefined) throw new KmsError('IncompleteSignatureException', "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  const ms = basicPattern.test(text) ? Date.parse(text.replace(basicPattern, '$1-$2-$3T$4:$5:$6Z')) : header === 'date' ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new KmsError('IncompleteSignatureException', `Date must be in ISO-8601 'basic format' (YYYYMMDDTHHMMSSZ).`);
  return { header, ms, basic: basicTime(ms) };
}

/** @throws KmsError InvalidSignatureException, with AWS's texts */
export function requireFresh(time: RequestTime, nowMs: number, skewMs: number): void {
  const minutes = Math.round(skewMs / 60_000);
  if (time.ms < nowMs - skewMs) {
    throw new KmsError('InvalidSignatureException', `Signature expired: ${time.basic} is now earlier than ${basicTime(nowMs - skewMs)} (${basicTime(nowMs)} - ${minutes} min.)`);
  }
  if (time.ms > nowMs + skewMs) {
    throw new KmsError(
      'InvalidSignatureException',
      `Signature not yet current: ${time.basic} is still later than ${basicTime(nowMs + skewMs)} (${basicTime(nowMs)} + ${minutes} min.)`,
    );
  }
}

const basicTime = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.[0-9]{3}/g, '');
