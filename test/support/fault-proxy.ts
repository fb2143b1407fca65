/** A proxy that stands between a client and a service and makes the faults of networks: lost requests, lost answers, silence, refusals. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What happens to one request. Without a fault it is passed on. */
export type Fault =
  | { readonly kind: 'pass' }
  /** The service never sees the request. */
  | { readonly kind: 'lose-request' }
  /** The service does its work, and its answer does not arrive. */
  | { readonly kind: 'lose-answer' }
  /** Nothing ever comes back. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown };

export interface Exchange {
  /** The operation, from X-Amz-Target. */
  readonly operation: string;
  readonly body: Record<string, unknown>;
  /** From 0 on, over all requests. */
  readonly number: number;
}

export interface FaultProxy {
  readonly endpoint: string;
  /** Decides what happens to each request from now on. */
  decide(decision: (exchange: Exchange) => Fault | Promise<Fault>): void;
  requests(): number;
  close(): Promise<void>;
}

export const pass: Fault = { kind: 'pass' };

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let decision: (exchange: Exchange) => Fault | Promise<Fault> = () => pass;
  let count = 0;
  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const operation = String(request.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
    const fault = await decision({ operation, body: JSON.parse(text || '{}'), number: count++ });
    if (fault.kind === 'silence') return;
    if (fault.kind === 'lose-request') {
      request.socket.destroy();
      return;
    }
    if (fault.kind === 'answer') {
      send(response, fault.status, JSON.stringify(fault.body));
      return;
    }
    const answer = await fetch(target, { method: 'POST', headers: forwarded(request), body: text });
    const body = await answer.text();
    if (fault.kind === 'lose-answer') request.socket.destroy();
    else send(response, answer.status, body);
  }

  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    decide(next) {
      decision = next;
      count = 0;
    },
    requests: () => count,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function forwarded(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(['content-type', 'x-amz-target', 'authorization', 'x-amz-date'].map((name) => [name, String(request.headers[name] ?? '')]));
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(body);
}
