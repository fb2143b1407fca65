import type { Fault } from '#shared/pipeline/fault.ts';

/** One JSON line for the log group. Callers name the members; nothing of a request's body ever comes here. */
export function logLine(level: 'info' | 'error', members: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, ...members }));
}

/** Goes with the request id that the caller was answered. */
export const logFault = (fault: Fault): void => logLine('error', { event: 'fault', ...fault });

const depthMax = 5;

/** The names of an error and its causes. Not their messages: those of parsers and SDKs can quote what they were given. */
export function errorNames(error: unknown): string[] {
  const names: string[] = [];
  for (let current = error; current instanceof Error && names.length < depthMax; current = current.cause) {
    const code = 'code' in current && typeof current.code === 'string' ? `:${current.code}` : '';
    names.push(`${current.name}${code}`);
  }
  return names.length === 0 ? [typeof error] : names;
}
