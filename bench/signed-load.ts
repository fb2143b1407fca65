/** Load on a single node, as a client puts it there: signed requests on keep-alive connections. */
import { signRequest } from '#test/support/sign-request.ts';
import { HttpConnection } from './http-connection.ts';
import type { SingleNode } from './single-node.ts';

/** Of the keys that the sections make. */
export const region = 'eu-west-1';

export interface SignedRequest {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly members: Record<string, unknown>;
}

/** @param run is given the connections that no request is on */
export async function withConnections({ endpoint }: SingleNode, count: number, run: (idle: HttpConnection[]) => Promise<void>): Promise<void> {
  const connections = Array.from({ length: count }, () => new HttpConnection(endpoint.hostname, Number(endpoint.port)));
  await run([...connections]);
  for (const connection of connections) connection.close();
}

/** Signed once and sent again and again: the server verifies each one, and the load generator does no cryptography. */
export async function sender({ endpoint, credentials }: SingleNode, idle: HttpConnection[], { path, headers = {}, members }: SignedRequest): Promise<() => Promise<void>> {
  const body = JSON.stringify(members);
  const signed = await signRequest({ principal: credentials, region, host: endpoint.host, path, headers, body });
  const lines = Object.entries({ ...signed.headers, 'content-length': String(Buffer.byteLength(body)) }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  return async () => {
    const connection = idle.pop()!;
    const status = await connection.send(request);
    idle.push(connection);
    if (status !== 200) throw new Error(`status ${status}`);
  };
}
