/** GET /metrics, for a Prometheus on the same machine that was given the token of the data directory. No key id or account is in it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CheckToken } from '../identity/metrics-token.ts';

export interface MetricsPage {
  /** Numbers in Prometheus text. */
  readonly text: () => string;
  readonly checkToken: CheckToken;
}

const loopback: ReadonlySet<string | undefined> = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

export const isMetrics = (message: IncomingMessage): boolean => message.url === '/metrics' && loopback.has(message.socket.remoteAddress);

export function sendMetrics(message: IncomingMessage, response: ServerResponse, { text, checkToken }: MetricsPage): void {
  message.resume();
  const isReading = message.method === 'GET' || message.method === 'HEAD';
  const status = !checkToken(message.headers.authorization) ? 401 : isReading ? 200 : 405;
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store', ...challenge });
  response.end(status === 200 && message.method === 'GET' ? text() : '');
}
