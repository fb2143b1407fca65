/** Output values to wire values: bytes become base64, dates become epoch seconds, absent members stay absent. */
export function encodeOutput(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(encodeOutput);
  if (typeof value !== 'object' || value === null) return value;
  const encoded: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) if (member !== undefined) encoded[name] = encodeOutput(member);
  return encoded;
}
