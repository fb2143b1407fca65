/**
 * Stands in front of the emulator as a TLS terminator does: tells it that requests came over TLS. The stacks refuse everything else
 * (aws:SecureTransport), and the emulator believes this header as it would a load balancer's.
 */
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TlsFront {
  readonly endpoint: string;
  /** Where requests go, once that is known. */
  forwardTo(endpoint: string): void;
  stop(): Promise<void>;
}

export async function startTlsFront(): Promise<TlsFront> {
  let target: URL | undefined;
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const server = createServer((incoming, answer) => {
    if (target === undefined) {
      answer.writeHead(503).end();
      return;
    }
    // The host stays the caller's: it is signed.
    const headers = [...incoming.rawHeaders, 'x-forwarded-proto', 'https'];
    const outgoing = request({ agent, hostname: target.hostname, port: target.port, method: incoming.method, path: incoming.url, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
      reply.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    incoming.on('error', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forwardTo(endpoint) {
      target = new URL(endpoint);
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await Promise.resolve();
    },
  };
}
