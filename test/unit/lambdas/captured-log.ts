import { afterEach, beforeEach, vi } from 'vitest';

/** Keeps what the functions log out of the output of the test run, and gives it to the test. */
export function captureLog(): { readonly lines: readonly string[] } {
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
    vi.spyOn(console, 'log').mockImplementation((line: unknown) => void lines.push(String(line)));
  });
  afterEach(() => void vi.restoreAllMocks());
  return { lines };
}
