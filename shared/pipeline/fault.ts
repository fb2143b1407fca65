/**
 * What the log learns of a failure inside: kinds of errors and where in the code, never their messages, which can quote what a parser, driver or SDK
 * was given. The caller learns nothing of it; the request id brings the two together.
 */
import type { KmsError } from '#shared/errors.ts';

export interface Fault {
  readonly operation: string;
  readonly requestId: string;
  /** What the caller was answered with. */
  readonly errorCode: string;
  /** The error and its causes, outermost first. */
  readonly errors: readonly FaultError[];
}

interface FaultError {
  readonly name: string;
  /** Of the system or a driver: ECONNREFUSED. */
  readonly code?: string;
  readonly stack: readonly string[];
}

export interface FaultObserver {
  readonly onFault?: ((fault: Fault) => void) | undefined;
}

interface FailedRequest {
  readonly operation: string;
  readonly requestId: string;
}

const depthMax = 5;
const framesMax = 12;
/** As V8 prints frames of files; nothing else of a stack is kept. */
const frame = /^ {4}at (?:[\w$.<>#[\] ]{1,200} \((?:file:|node:|\/)[^\s()]{1,300}:\d+:\d+\)|(?:file:|node:|\/)[^\s()]{1,300}:\d+:\d+)$/;

/** Tells of faults of the service and of what it depends on, not of a caller's. Each kind once per request. */
export function reportFaults({ onFault }: FaultObserver, { operation, requestId }: FailedRequest, failures: readonly KmsError[]): void {
  if (onFault === undefined) return;
  const seen = new Set<string>();
  for (const failure of failures) {
    if (failure.status < 500) continue;
    const errors = chainOf(failure);
    const kind = JSON.stringify(errors.map(({ name, code }) => [name, code]));
    if (seen.has(kind)) continue;
    seen.add(kind);
    try {
      onFault({ operation: /^[A-Za-z]{1,64}$/.test(operation) ? operation : 'unknown', requestId, errorCode: failure.code, errors });
    } catch {
      // A log that fails must not change the answer.
    }
  }
}

function chainOf(failure: Error): FaultError[] {
  const errors: FaultError[] = [];
  for (let current: unknown = failure; current instanceof Error && errors.length < depthMax; current = current.cause) {
    const code = 'code' in current && typeof current.code === 'string' && /^[A-Za-z][\w-]{0,63}$/.test(current.code) ? { code: current.code } : {};
    errors.push({ name: /^[\w$]{1,64}$/.test(current.name) ? current.name : 'Error', ...code, stack: framesOf(current) });
  }
  return errors;
}

/** The message, which stands before the frames, may itself have lines that look like frames: it is cut out first. */
function framesOf(error: Error): string[] {
  const { message, stack } = error;
  if (typeof stack !== 'string') return [];
  // A message that was changed after the stack was made cannot be told from it.
  if (!stack.includes(message)) return [];
  const lines = stack.slice(stack.indexOf(message) + message.length).split('\n');
  return lines
    .filter((line) => frame.test(line))
    .map((line) => line.trim())
    .slice(0, framesMax);
}
