const waitMs = 20_000;

/** @throws Error when it does not come true */
export async function eventually<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + waitMs;
  while (Date.now() < deadline) {
    const found = await look();
    if (found) return found;
    await new Promise((resolveLater) => setTimeout(resolveLater, 20));
  }
  throw new Error(`it did not come true: ${what}`);
}
