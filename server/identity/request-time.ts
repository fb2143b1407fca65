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
  if (amzDate !== undefined) {
    const ms = parseBasicTime(amzDate);
    if (Number.isNaN(ms)) throw new KmsError('IncompleteSignatureException', "Date must be in ISO-8601 'basic format' (YYYYMMDDTHHMMSSZ).");
    return { header: 'x-amz-date', ms, basic: amzDate };
  }
  if (headers.date === undefined) throw new KmsError('IncompleteSignatureException', "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  const basicMs = parseBasicTime(headers.date);
  const ms = Number.isNaN(basicMs) ? Date.parse(headers.date) : basicMs;
  if (Number.isNaN(ms)) throw new KmsError('IncompleteSignatureException', 'The Date header holds no date.');
  return { header: 'date', ms, basic: basicTime(ms) };
}

/** The last one that was read: requests of one second say the same. */
let lastBasic = { text: '', ms: Number.NaN };

function parseBasicTime(text: string): number {
  if (text !== lastBasic.text) lastBasic = { text, ms: readBasicTime(text) };
  return lastBasic.ms;
}

function readBasicTime(text: string): number {
  const match = basicPattern.exec(text);
  if (match === null) return Number.NaN;
  const [, year, month, day, hour, minute, second] = match.map(Number) as [number, number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute, second);
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
