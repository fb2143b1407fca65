import type { HttpReply } from './answer-reader.ts';
import { AnswerLate, Connection, type ConnectOptions, NotTaken } from './connection.ts';

export interface PoolRequest {
  /** Head and body. Made anew for each try, because a connection wipes what it has sent. */
  readonly bytes: () => Buffer;
  /** performance.now() time. */
  readonly deadlineAt: number;
  readonly replyBytesMax: number;
  /** Takes long, so nothing may wait behind it on its connection. */
  readonly alone: boolean;
}

interface Waiter {
  readonly request: PoolRequest;
  readonly resolve: (reply: Promise<HttpReply>) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The bridge closes idle connections after two minutes, and any after five; ours are gone before. */
const idleMaxMs = 100_000;
const lifeMs = 240_000;
/** Quick requests on one connection before another one is opened: fewer connections mean fewer and larger writes on both sides. */
const shareMax = 32;
/** Connections that slow requests may hold, so that quick ones always have some. */
const aloneShare = 0.75;
/** Each time the bridge must have closed a connection under a request that it had not looked at, or there was no connection: behind a load balancer the next one goes to another bridge. */
const triesMax = 3;

/** At most `connectionsMax` connections. Quick requests share them, and each slow one has its own. Who finds no room waits in line, until his time is up. */
export class ConnectionPool {
  readonly #options: ConnectOptions;
  readonly #connectionsMax: number;
  readonly #all = new Set<Connection>();
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  constructor(options: ConnectOptions, connectionsMax: number) {
    this.#options = options;
    this.#connectionsMax = connectionsMax;
  }

  async send(request: PoolRequest): Promise<HttpReply> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#start(request);
      } catch (error) {
        if (!(error instanceof NotTaken) || tries === triesMax || performance.now() >= request.deadlineAt) throw error;
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) this.#leaveLine(waiter).reject(new Error('the client is closed'));
    for (const connection of this.#all) connection.close();
  }

  #start(request: PoolRequest): Promise<HttpReply> {
    if (this.#closed) throw new Error('the client is closed');
    const connection = this.#waiters.size === 0 && this.#admits(request) ? this.#choose(request.alone) : undefined;
    if (connection !== undefined) return this.#exchange(connection, request);
    const reply = this.#wait(request);
    this.#serveLine();
    return reply;
  }

  #exchange(connection: Connection, { bytes, deadlineAt, replyBytesMax, alone }: PoolRequest): Promise<HttpReply> {
    connection.alone = alone;
    return connection.send(bytes(), Math.max(1, deadlineAt - performance.now()), replyBytesMax);
  }

  #admits({ alone }: PoolRequest): boolean {
    if (!alone) return true;
    let held = 0;
    for (const connection of this.#all) if (connection.alone) held++;
    return held < Math.max(1, Math.floor(this.#connectionsMax * aloneShare));
  }

  /** The least busy connection that is not too busy, or a new one. */
  #choose(alone: boolean): Connection | undefined {
    const now = performance.now();
    let best: Connection | undefined;
    for (const connection of this.#all) {
      if (!connection.alone && isUsable(connection, now) && (best === undefined || connection.load < best.load)) best = connection;
    }
    if (best !== undefined && best.load < (alone ? 1 : shareMax)) return best;
    return this.#all.size < this.#connectionsMax ? this.#connect() : undefined;
  }

  #connect(): Connection {
    const connection = new Connection(this.#options, {
      freed: () => {
        connection.alone = false;
        this.#serveLine();
      },
      closed: () => {
        this.#all.delete(connection);
        this.#serveLine();
      },
    });
    this.#all.add(connection);
    return connection;
  }

  #wait(request: PoolRequest): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#leaveLine(waiter).reject(new AnswerLate('no connection was free in time')), Math.max(1, request.deadlineAt - performance.now()));
      const waiter: Waiter = { request, resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  /** In order, but that quick requests pass slow ones which may not have a connection more. */
  #serveLine(): void {
    if (this.#closed) return;
    for (const waiter of this.#waiters) {
      if (!this.#admits(waiter.request)) continue;
      const connection = this.#choose(waiter.request.alone);
      if (connection === undefined) return;
      this.#leaveLine(waiter).resolve(this.#exchange(connection, waiter.request));
    }
  }

  #leaveLine(waiter: Waiter): Waiter {
    this.#waiters.delete(waiter);
    clearTimeout(waiter.timer);
    return waiter;
  }
}

function isUsable(connection: Connection, now: number): boolean {
  if (!connection.open) return false;
  const old = now - connection.openedAt > lifeMs;
  if (connection.load === 0 && (old || now - connection.idleSince > idleMaxMs)) connection.close();
  return connection.open && !old;
}
