import { AwsAnswerError } from './sdk-sender.ts';

/**
 * A second try, each within its own time, when the first got no answer or one that blames the service. Only for requests that may be sent twice.
 * A connection that the other side closed while the function was frozen is the everyday reason.
 */
export async function repeatOnce<T>(attemptTimeoutMs: number, attempt: (options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
  try {
    return await attempt({ abortSignal: AbortSignal.timeout(attemptTimeoutMs) });
  } catch (error) {
    const isFinal = error instanceof AwsAnswerError && error.status < 500 && error.status !== 429;
    if (isFinal) throw error;
  }
  return attempt({ abortSignal: AbortSignal.timeout(attemptTimeoutMs) });
}
