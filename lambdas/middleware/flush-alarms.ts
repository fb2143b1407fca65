import type { MiddlewareObj } from '@middy/core';

/** Sends what was raised during the request before the function is frozen. */
export function flushAlarms<Event, Result>(flush: () => Promise<void>): MiddlewareObj<Event, Result> {
  return {
    after: () => flush(),
    onError: () => flush(),
  };
}
