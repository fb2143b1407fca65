import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';

export const limit = (max: number) => z.int().min(1).max(max).optional();
export const marker = () =>
  z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[\u0020-\u00FF]*$/)
    .optional();

export const pageOutput = {
  Truncated: z.boolean(),
  NextMarker: z.string().optional(),
};

/** Markers say where a list goes on and which list they belong to, so that one of another list is refused. They grant nothing. */
export function writeMarker(list: string, position: string): string {
  return Buffer.from(JSON.stringify([list, position]), 'utf8').toString('base64url');
}

/** @throws KmsError InvalidMarkerException */
export function readMarker(list: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (Array.isArray(parsed) && parsed.length === 2 && parsed[0] === list && typeof parsed[1] === 'string' && parsed[1].isWellFormed()) return parsed[1];
  } catch {
    // Falls through to the refusal.
  }
  throw invalidMarker();
}

export const invalidMarker = (): KmsError =>
  new KmsError('InvalidMarkerException', 'The request was rejected because the marker that specifies where pagination should next begin is not valid.');

/** Truncated always; NextMarker exactly when it is true. */
export const pageEnd = (list: string, next: string | undefined) => (next === undefined ? { Truncated: false } : { Truncated: true, NextMarker: writeMarker(list, next) });
