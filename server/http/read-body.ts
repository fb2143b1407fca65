import type { IncomingMessage } from 'node:http';

/** The body, or undefined when it is larger than the limit; reading stops at the first byte too many. Rejects when the connection ends first. */
export function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> {
  const declared = Number(message.headers['content-length'] ?? 0);
  if (declared > bytesMax) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    message.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bytesMax) chunks.push(chunk);
      else resolve(undefined);
    });
    message.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    message.on('error', reject);
    message.on('close', () => {
      if (!message.complete) reject(new Error('the connection ended before the request did'));
    });
  });
}
