/**
 * AWS CloudHSM's control plane (API 2017-04-28, JSON 1.1) over real HTTP, strict and on a virtual clock. It says no wherever AWS documents a no, so that
 * code that passes here asks for nothing that AWS would refuse for a documented reason.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BackupOperations } from './backup-operations.ts';
import { ClusterOperations } from './cluster-operations.ts';
import { Model } from './model.ts';
import { invalid, Refusal } from './refusal.ts';
import { type OperationName, readOnly, requests } from './requests.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface Call {
  readonly operation: OperationName;
  readonly at: number;
  /** Something that an earlier call began was still going on. */
  readonly overlaps: boolean;
}

export class FakeControlPlane {
  readonly model: Model;
  readonly clusters: ClusterOperations;
  readonly #backups: BackupOperations;
  readonly #regions = new Map<string, Model>();
  /** Calls that change something and were not refused, in order. */
  readonly changes: Call[] = [];
  readonly faults = { zonesWithoutCapacity: new Set<string>(), invisibleMs: 0 };
  /** What to do with the next requests: each is taken off the front. */
  readonly upsets: ('none' | 'throttle' | 'break' | 'lose-request' | 'lose-answer')[] = [];
  readonly #server: Server;
  #inFlight = 0;

  constructor(clock: VirtualClock, region = 'us-east-1') {
    this.model = new Model(clock, region);
    this.clusters = new ClusterOperations(this.model, this.faults);
    this.#backups = new BackupOperations(this.model, this.clusters, this.#regions);
    this.#server = createServer(async (request, response) => {
      const changes = !readOnly.has(String(request.headers['x-amz-target']).split('.')[1] as OperationName);
      if (changes) {
        this.#inFlight += 1;
        response.once('close', () => {
          this.#inFlight -= 1;
        });
      }
      const body = await readBody(request);
      const upset = this.upsets.shift() ?? 'none';
      if (upset === 'lose-request') return void request.socket.destroy();
      const { status, answer } = this.#answer(request, body, upset);
      if (upset === 'lose-answer') return void request.socket.destroy();
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'fake' }).end(JSON.stringify(answer));
    });
  }

  connect(other: FakeControlPlane): void {
    this.#regions.set(other.model.region, other.model);
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, body: string, upset: string): { readonly status: number; readonly answer: unknown } {
    try {
      if (upset === 'throttle') throw new Refusal('ThrottlingException', 'Rate exceeded');
      if (upset === 'break') throw new Refusal('CloudHsmInternalFailureException', 'An internal error has occurred.', 500);
      checkSignature(request, this.model.region);
      return { status: 200, answer: this.#run(operationOf(request), body) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { status: error.status, answer: { __type: error.name, Message: error.message } };
    }
  }

  #run(operation: OperationName, body: string): unknown {
    this.model.settle();
    const parsed = requests[operation].safeParse(JSON.parse(body));
    if (!parsed.success) throw invalid(parsed.error.message);
    const overlaps =
      this.#inFlight > 1 || this.model.clusters.some(({ due, hsms, state }) => (due !== undefined && state !== 'INITIALIZED') || hsms.some((hsm) => hsm.due !== undefined));
    const target = (operation in this.clusters ? this.clusters : this.#backups) as unknown as Record<OperationName, (input: unknown) => unknown>;
    const answer = target[operation](parsed.data);
    if (!readOnly.has(operation)) this.changes.push({ operation, at: this.model.clock.now(), overlaps });
    return answer;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function operationOf({ method, url, headers }: IncomingMessage): OperationName {
  const name = /^BaldrApiService\.(\w+)$/.exec(String(headers['x-amz-target']))?.[1];
  if (method !== 'POST' || url !== '/' || headers['content-type'] !== 'application/x-amz-json-1.1' || name === undefined || !(name in requests))
    throw new Refusal('UnknownOperationException', 'This is no operation of the API.');
  return name as OperationName;
}

/** The endpoint is cloudhsmv2, the signing name is cloudhsm. */
function checkSignature({ headers }: IncomingMessage, region: string): void {
  const scope = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=[^,]*x-amz-target/.exec(headers.authorization ?? '');
  if (scope?.[1] !== region || scope[2] !== 'cloudhsm') throw new Refusal('InvalidSignatureException', 'The credential is not scoped to this Region and service.');
}
