/** PEM (RFC 7468): the text form of one certificate or signing request. */

export const toPem = (label: string, bytes: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${(
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END ${label}-----\n`;

/** @throws Error when the text is not exactly one block of that kind */
export function fromPem(label: string, text: string): Buffer {
  const match = new RegExp(`^\\s*-----BEGIN ${label}-----\\s+([A-Za-z0-9+/=\\s]+?)\\s*-----END ${label}-----\\s*$`).exec(text);
  if (match?.[1] === undefined) throw new Error(`This text is not one PEM block "${label}".`);
  return Buffer.from(match[1], 'base64');
}
