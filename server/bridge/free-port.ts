import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the range from which Linux and macOS take the ports of outgoing connections, so that no such connection takes it meanwhile. */
const portsFrom = 20_000;
const portsTo = 32_000;
const attemptsMax = 100;

/** A port that nobody listens on now. */
export async function freePort(host: string): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = randomInt(portsFrom, portsTo);
    if (await isFree(host, port)) return port;
  }
  throw new Error(`No free port was found from ${portsFrom} to ${portsTo}.`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
