import { ImportRefused } from '../driver/import-refused.ts';
import { MaterialRefused } from '../driver/material.ts';
import { PlaintextTooLong } from '../driver/rsa.ts';
import { HsmError } from '../driver/sessions.ts';
import type { Outcome } from '../profiles/profile.ts';

export const answerTags = { done: 0, failed: 1 } as const;

export type JobFailureCode = Outcome | 'material-refused' | 'invalid-import-token' | 'incorrect-key-material' | 'plaintext-too-long' | 'worker-lost' | 'queue-full' | 'deadline';

/** A job that did not succeed. The message is for the log of the operator: no data of the call is in it. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
  readonly code: JobFailureCode;
  constructor(code: JobFailureCode, message: string) {
    super(message);
    this.code = code;
  }
}

function codeOf(error: unknown): JobFailureCode {
  if (error instanceof MaterialRefused) return 'material-refused';
  if (error instanceof ImportRefused) return error.reason;
  if (error instanceof PlaintextTooLong) return 'plaintext-too-long';
  return error instanceof HsmError ? error.outcome : 'internal';
}

export function failureFields(error: unknown): Uint8Array[] {
  const code = codeOf(error);
  return [Buffer.from(code, 'utf8'), Buffer.from(error instanceof Error ? error.message.slice(0, 300) : 'unknown', 'utf8')];
}

export const failureOf = ([code, message]: readonly Buffer[]): JobFailure => new JobFailure(String(code) as JobFailureCode, String(message));
