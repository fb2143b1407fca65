import type { MiddlewareObj } from '@middy/core';
import { errorNames, logLine } from '../log-line.ts';

/** For functions that no caller waits for: says that a batch failed, and lets it fail, so that it is delivered again. */
export function failureLog<Event, Result>(what: string): MiddlewareObj<Event, Result> {
  return {
    onError(request) {
      logLine('error', { event: 'failed', what, errors: errorNames(request.error) });
    },
  };
}
