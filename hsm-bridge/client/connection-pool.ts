import { AnswerLate, Connection, type ConnectOptions, type HttpReply } from './connection.ts';

interface Waiter {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The bridge closes idle connections after two minutes; ours are gone before. */
const idleMaxMs = 100_000;

/** At most `connectionsMax` connections, the most recently used first. Who finds none free waits in line, until his time is up. */
export class ConnectionPool {
  readonly #options: ConnectOptions;
  readonly #connectionsMax: number;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  constructor(options: ConnectOptions, connectionsMax: number) {
    this.#options = options;
    this.#connectionsMax = connectionsMax;
  }

  /** @param deadlineAt performance.now() time. */
  async send(request: Buffer, deadlineAt: number, replyBytesMax: number): Promise<HttpReply> {
    const connection = this.#take() ?? (await this.#wait(deadlineAt));
    try {
      return await connection.send(request, Math.max(1, deadlineAt - performance.now()), replyBytesMax);
    } finally {
      this.#release(connection);
    }
  }

  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) this.#leaveLine(waiter).reject(new Error('the client is closed'));
    for (const connection of this.#all) connection.close();
  }

  #take(): Connection | undefined {
    if (this.#closed) throw new Error('the client is closed');
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.usable && performance.now() - connection.idleSince < idleMaxMs) return connection;
      connection.close();
    }
    return this.#all.size < this.#connectionsMax ? this.#connect() : undefined;
  }

  #connect(): Connection {
    const connection = new Connection(this.#options, (closed) => {
      this.#all.delete(closed);
      this.#serveNext();
    });
    this.#all.add(connection);
    return connection;
  }

  #wait(deadlineAt: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#leaveLine(waiter).reject(new AnswerLate('no connection was free in time')), Math.max(1, deadlineAt - performance.now()));
      const waiter: Waiter = { resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  #release(connection: Connection): void {
    if (!connection.usable) return;
    connection.idleSince = performance.now();
    this.#idle.push(connection);
    this.#serveNext();
  }

  #serveNext(): void {
    const [waiter] = this.#waiters;
    if (waiter === undefined || this.#closed) return;
    const connection = this.#take();
    if (connection !== undefined) this.#leaveLine(waiter).resolve(connection);
  }

  #leaveLine(waiter: Waiter): Waiter {
    this.#waiters.delete(waiter);
    clearTimeout(waiter.timer);
    return waiter;
  }
}
