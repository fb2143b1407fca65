import { request } from 'node:https';
import { encodeFrame } from '#shared/bridge-protocol.ts';

/** One call past the client, to see what HTTP says. */
export function post(
  { url, ca, cert, key }: { url: string; ca: string; cert: string; key: string },
  operation: string,
  message: Record<string, unknown>,
  headers: Record<string, string | number> = {},
): Promise<{ status: number; body: Record<string, unknown>; retryAfter: string | undefined }> {
  const frame = encodeFrame(message);
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/v1/${operation}`, { ca, cert, key, agent: false, method: 'POST', headers: { 'content-length': frame.length, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = response.headers['content-type'] === 'application/json';
        resolve({ status: response.statusCode ?? 0, body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {}, retryAfter: response.headers['retry-after'] });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(frame);
  });
}
