/**
 * Stands before bridges as a network load balancer that passes TCP through does: new connections go to its targets in turn, and open ones stay where they are. It does
 * not know yet that a target is lost.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpBalancer {
  readonly url: string;
  /** How many connections each target was given. */
  given(): readonly number[];
  /** From now on nothing comes back from it and nothing reaches it, as from a host that is gone: no refusal, no reset. */
  silence(target: number): void;
  stop(): Promise<void>;
}

/** @param ports of the targets, asked for each connection: a target that is started again may have another one */
export async function startTcpBalancer(ports: readonly (() => number)[]): Promise<TcpBalancer> {
  const given = ports.map(() => 0);
  const silent = new Set<number>();
  const open = new Map<Socket, { readonly target: number; readonly upstream: Socket | undefined }>();
  let turn = 0;
  const server = createServer((client) => {
    const target = turn++ % ports.length;
    given[target]! += 1;
    client.on('error', () => client.destroy());
    client.once('close', () => open.delete(client));
    if (silent.has(target)) {
      open.set(client, { target, upstream: undefined });
      client.pause();
      return;
    }
    const upstream = connect({ port: ports[target]!(), host: '127.0.0.1' });
    open.set(client, { target, upstream });
    // A process that is gone: its host refuses or resets.
    upstream.on('error', () => client.resetAndDestroy());
    upstream.once('close', () => {
      if (!silent.has(target)) client.destroy();
    });
    client.once('close', () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    given: () => [...given],
    silence(target) {
      silent.add(target);
      for (const [client, { target: other, upstream }] of open) {
        if (other !== target || upstream === undefined) continue;
        client.unpipe(upstream);
        upstream.unpipe(client);
        client.pause();
      }
    },
    async stop() {
      for (const client of open.keys()) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
