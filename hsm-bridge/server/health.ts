import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  /** Uses the domain keys in the HSM; see driver/canary.ts. */
  readonly canary: () => Promise<void>;
}

const freshForMs = 2_000;
const canaryEveryMs = 1_000;

/** Plain HTTP for load balancers. `/livez` never touches the HSM; `/readyz` answers the last canary, and no when that is too old. */
export class Health {
  readonly #options: HealthOptions;
  readonly #server: Server;
  #timer: NodeJS.Timeout | undefined;
  #lastGoodAt = Number.NEGATIVE_INFINITY;
  #stopping = false;
  #running = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: 5_000 }, (request, response) => {
      const alive = request.url === '/livez';
      const ok = alive || (request.url === '/readyz' && this.ready);
      const status = ok ? 200 : request.url === '/readyz' ? 503 : 404;
      response.writeHead(status, { 'content-type': 'text/plain' }).end(ok ? 'ok\n' : 'no\n');
    });
  }

  get ready(): boolean {
    return !this.#stopping && performance.now() - this.#lastGoodAt <= freshForMs;
  }

  async start(): Promise<number> {
    await this.#check();
    this.#timer = setInterval(() => void this.#check(), canaryEveryMs).unref();
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** From now on `/readyz` says no, whatever the HSM does. */
  leave(): void {
    this.#stopping = true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #check(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      await this.#options.canary();
      this.#lastGoodAt = performance.now();
    } catch {
      // Stays unready when the last success is too old.
    } finally {
      this.#running = false;
    }
  }
}
