/** The whole service in one process: every operation and the pipeline on a real SQLite file, with software keys and in-memory sinks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSqliteStore, type SqliteStore } from '#server/sqlite-store.ts';
import type { Alarm, AuditRecord } from '#shared/audit/audit-record.ts';
import { createOutboxPublisher } from '#shared/audit/outbox.ts';
import type { Caller } from '#shared/pipeline/caller.ts';
import type { Fault } from '#shared/pipeline/fault.ts';
import { createService, type Service } from '#shared/pipeline/service.ts';
import { principalNames } from '#shared/policy/principal-names.ts';
import type { Crypto } from '#shared/ports/crypto.ts';
import type { KeyStoreBridges } from '#shared/ports/key-store-bridges.ts';
import type { ItemKey, RecordStore, Write } from '#shared/ports/record-store.ts';
import type { ApiRequest, ApiResponse } from '#shared/protocols/api-request.ts';
import { handleApiRequest } from '#shared/protocols/handle-api-request.ts';
import { createStoreBridgeCryptos, type StoreBridgeCryptos, storeBridges } from './key-stores.ts';
import { createSoftwareCrypto, type SoftwareCrypto } from './software-crypto.ts';

export const alice: Caller = {
  account: '111122223333',
  region: 'eu-west-1',
  principalArn: 'arn:aws:iam::111122223333:user/alice',
  principalId: 'AIDAALICE00000000001',
  accessKeyId: 'AKIAALICE00000000001',
};
export const mallory: Caller = {
  account: '999988887777',
  region: 'eu-west-1',
  principalArn: 'arn:aws:iam::999988887777:user/mallory',
  principalId: 'AIDAMALLORY000000001',
  accessKeyId: 'AKIAMALLORY000000001',
};

/** Administrators of their accounts. Everybody else starts with nothing. */
const administrators: ReadonlySet<string> = new Set([alice.principalArn, mallory.principalArn, 'arn:aws:iam::222233334444:user/bob', 'arn:aws:iam::111122223333:role/Developer']);

export type Members = Record<string, unknown>;
export type ProtocolName = 'aws-json' | 'rest';

export interface Answer {
  readonly status: number;
  /** AWS's exception name, undefined for a success. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** The parsed body; empty when there is none. */
  readonly body: Members;
  readonly raw: ApiResponse;
}

export interface Faults {
  /** Called before each store request; what it throws is what the store throws. */
  store?: ((call: 'getMany' | 'query' | 'transact', argument: unknown) => void) | undefined;
  /** What the audit sink rejects with. */
  audit?: Error | undefined;
}

export interface InProcess {
  readonly service: Service;
  /** Without the faults. */
  readonly store: SqliteStore;
  readonly crypto: SoftwareCrypto;
  /** The bridges that custom key stores can name. */
  readonly storeBridges: StoreBridgeCryptos;
  /** What reached the audit sink, the records of committed changes included. */
  readonly audit: readonly AuditRecord[];
  readonly alarms: readonly Alarm[];
  /** What the log is told of failures inside. */
  readonly faultReports: readonly Fault[];
  readonly faults: Faults;
  readonly clock: { now(): number; advanceDays(days: number): void };
  readonly path: string;
  call(operation: string, members: Members, options?: { caller?: Caller; protocol?: ProtocolName }): Promise<Answer>;
  /** Like call, but a refusal is an error of the test. */
  must(operation: string, members: Members, options?: { caller?: Caller; protocol?: ProtocolName }): Promise<Members>;
  send(request: Partial<ApiRequest>, authenticate?: () => Caller): Promise<Answer>;
  /** Publishes what is in the outbox. */
  drain(): Promise<void>;
  /** A second service on the same file, with the same keys and its own memory. @param reconfigure what its configuration lists of the bridges */
  another(reconfigure?: Reconfigure): InProcess;
  close(): void;
}

type Reconfigure = (bridges: KeyStoreBridges) => KeyStoreBridges;

interface Settings {
  /** Fingerprints; absent: AWS's. */
  readonly attestationRoots?: readonly string[];
  /** Those that the deployment keeps; absent: any. */
  readonly regions?: readonly string[];
  /** Absent: `aws`. */
  readonly partition?: string;
  /** Absent: in software. */
  readonly crypto?: Crypto;
}

export function startInProcess(settings: Settings = {}): InProcess {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-in-process-'));
  const clock = { at: Date.UTC(2026, 0, 15, 12) };
  const opened: SqliteStore[] = [];
  const start = (hsms: Hsms, reconfigure: Reconfigure = (bridges) => bridges): InProcess =>
    assemble(join(folder, 'store.sqlite'), { ...hsms, bridges: reconfigure(storeBridges(hsms.stores)) }, clock, opened, (next) => start(hsms, next), close, settings);
  function close(): void {
    for (const store of opened) store.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return start({ crypto: createSoftwareCrypto(), stores: createStoreBridgeCryptos() });
}

interface Hsms {
  readonly crypto: SoftwareCrypto;
  readonly stores: StoreBridgeCryptos;
}

function assemble(
  path: string,
  { crypto, stores, bridges }: Hsms & { readonly bridges: KeyStoreBridges },
  time: { at: number },
  opened: SqliteStore[],
  another: InProcess['another'],
  close: () => void,
  settings: Settings,
): InProcess {
  const store = createSqliteStore({ path });
  opened.push(store);
  const audit: AuditRecord[] = [];
  const alarms: Alarm[] = [];
  const faultReports: Fault[] = [];
  const faults: Faults = {};
  const sink = {
    async append(record: AuditRecord) {
      if (faults.audit !== undefined) throw faults.audit;
      audit.push(record);
    },
  };
  const clock = { now: () => time.at };
  const service = createService({
    store: withFaults(store, faults),
    crypto,
    keyStoreBridges: bridges,
    audit: sink,
    alarms: { raise: (alarm) => void alarms.push(alarm) },
    clock,
    partition: 'aws',
    ...settings,
    onFault: (fault) => void faultReports.push(fault),
    configuredRoles: ({ arn }) => (principalNames(arn).some((name) => administrators.has(name)) ? ['administrator'] : []),
  });
  const outbox = createOutboxPublisher({ store, audit: sink });

  const send: InProcess['send'] = async (request, authenticate = () => alice) => {
    const whole: ApiRequest = { method: 'POST', path: '/', query: '', headers: {}, body: new Uint8Array(0), sourceIp: '192.0.2.1', ...request };
    return readAnswer(await handleApiRequest(service, whole, authenticate));
  };
  const call: InProcess['call'] = (name, members, options = {}) => {
    const isRest = (options.protocol ?? (service.operations.get(name)?.wire === false ? 'rest' : 'aws-json')) === 'rest';
    const request = isRest ? restRequest(service, name, members) : awsJsonRequest(name, members);
    return send(request, () => options.caller ?? alice);
  };
  return {
    service,
    store,
    crypto,
    storeBridges: stores,
    audit,
    alarms,
    faultReports,
    faults,
    path,
    clock: {
      ...clock,
      advanceDays(days) {
        time.at += days * 86_400_000;
      },
    },
    send,
    call,
    async must(name, members, options) {
      const answer = await call(name, members, options);
      if (answer.code !== undefined) throw new Error(`${name} was refused: ${answer.code} ${answer.message}`);
      return answer.body;
    },
    drain: () => outbox.drain(),
    another,
    close,
  };
}

export const awsJsonRequest = (name: string, members: unknown): Partial<ApiRequest> => ({
  headers: { 'x-amz-target': `TrentService.${name}`, 'content-type': 'application/x-amz-json-1.1' },
  body: Buffer.from(JSON.stringify(members)),
});

const asText = (value: unknown): string => (typeof value === 'string' ? value.toWellFormed() : (JSON.stringify(value) ?? ''));

/** Path members into the path; the rest into the query of a GET or DELETE, and into the body of the others. */
export function restRequest(service: Service, name: string, members: Members): Partial<ApiRequest> {
  const operation = service.operations.get(name);
  if (operation === undefined) throw new Error(`There is no operation ${name}.`);
  const { method } = operation.http;
  const rest: Members = { ...members };
  const path = operation.http.path.replaceAll(/\{([A-Za-z]+)\}/g, (_, member: string) => {
    delete rest[member];
    return encodeURIComponent(asText(members[member]));
  });
  if (method !== 'GET' && method !== 'DELETE') return { method, path, body: Buffer.from(JSON.stringify(rest)) };
  const query = new URLSearchParams(Object.entries(rest).flatMap(([member, value]) => [value].flat().map((one): [string, string] => [member, asText(one)])));
  return { method, path, query: query.toString() };
}

function readAnswer(raw: ApiResponse): Answer {
  const body = raw.body === '' ? {} : (JSON.parse(raw.body) as Members);
  const code = raw.headers['x-amzn-errortype'];
  const message = body.message ?? body.Message ?? body.detail;
  return { status: raw.status, code, message: typeof message === 'string' ? message : undefined, body, raw };
}

function withFaults(store: RecordStore, faults: Faults): RecordStore {
  return {
    async getMany(keys: readonly ItemKey[]) {
      faults.store?.('getMany', keys);
      return await store.getMany(keys);
    },
    async query(query) {
      faults.store?.('query', query);
      return await store.query(query);
    },
    async transact(writes: readonly Write[], options) {
      faults.store?.('transact', writes);
      await store.transact(writes, options);
    },
  };
}
