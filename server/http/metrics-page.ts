/** GET /metrics, for a Prometheus on the same machine. Without a signature, so for this machine only; no key id or account is in it. */
import type { IncomingMessage, ServerResponse } from 'node:http';

const loopback: ReadonlySet<string | undefined> = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

export const isMetrics = (message: IncomingMessage): boolean => message.url === '/metrics' && loopback.has(message.socket.remoteAddress);

export function sendMetrics(message: IncomingMessage, response: ServerResponse, text: string): void {
  message.resume();
  const isAllowed = message.method === 'GET' || message.method === 'HEAD';
  response.writeHead(isAllowed ? 200 : 405, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' });
  response.end(isAllowed && message.method === 'GET' ? text : '');
}
