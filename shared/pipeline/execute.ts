/**
 * The one order in which every operation runs:
 *
 *   validate → check the recipient → find the keys → authorize → usage rules → key-state rules → DryRun → run (again, when overtaken) → audit → answer
 *
 * Exactly one audit record leaves here per request. A change carries its record in its own transaction; every other answer is withheld until its
 * record is durable, and the request fails when it cannot be recorded.
 */
import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import type { Attestation } from '#shared/attestation/attestation.ts';
import type { AuditRecord } from '#shared/audit/audit-record.ts';
import { KmsError } from '#shared/errors.ts';
import { newEventId } from '#shared/ids.ts';
import type { JsonObject } from '#shared/json.ts';
import { requireState } from '#shared/keys/state-table.ts';
import type { Context, Operation } from '#shared/operation.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import type { Ports } from '#shared/ports/ports.ts';
import { TransactionCancelled } from '#shared/ports/record-store.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import { type AuthorizedRequest, authorizeRequest } from './authorize-request.ts';
import { batchOutput, batchParameters, runBatch } from './batch.ts';
import type { Caller } from './caller.ts';
import { ConcurrentChange, RequestCommitter } from './committer.ts';
import { reportFaults } from './fault.ts';
import { raiseMaterialRefused } from './material-refused.ts';
import { readRecipient, recipientOf, recipientParameters, sealAnswer } from './recipient.ts';
import type { Service } from './service.ts';
import { toKmsError } from './to-kms-error.ts';
import { Turns } from './turns.ts';
import { parseInput } from './validate.ts';

export interface OperationRequest {
  readonly operation: Operation;
  readonly protocol: AuditRecord['protocol'];
  readonly requestId: string;
  readonly caller: Caller;
  /** The members as they came, nothing checked. Throws a KmsError when the body cannot be read. */
  readonly readMembers: () => Readonly<Record<string, unknown>>;
  /** REST refuses members that the operation does not have; the wire protocol ignores them, as AWS does. */
  readonly strict: boolean;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  /** For metrics: told once, before the answer, what sort of keys the request was about. */
  readonly onKeySpec?: (keySpec: string) => void;
}

const attemptsMax = 12;
const turns = new Turns();

/** @throws KmsError only: everything else has become one. */
export async function execute(service: Service, request: OperationRequest): Promise<Record<string, unknown> | undefined> {
  const trail: Trail = { now: service.clock.now(), keys: {}, parameters: {}, used: [] };
  let committer: RequestCommitter | undefined;
  let output: Record<string, unknown> | undefined;
  let failure: KmsError | undefined;
  let endTurn: (() => void) | undefined;
  try {
    const input = parseInput(request.operation, request.readMembers(), request.strict);
    trail.parameters = request.operation.audit(input);
    const recipient = recipientOf(request.operation, input);
    if (recipient !== undefined) {
      trail.attestation = await readRecipient(recipient, service.attestationRoots, trail.now);
      trail.parameters = { ...trail.parameters, recipient: recipientParameters(trail.attestation) };
    }
    for (let attempt = 1; ; attempt += 1) {
      committer = new RequestCommitter(service, request.operation, (created) => auditRecord(request, trail, undefined, created));
      try {
        output = await attemptOnce(service, request, input, trail, committer);
        break;
      } catch (error) {
        if (!(error instanceof ConcurrentChange || error instanceof TransactionCancelled) || attempt === attemptsMax) throw error;
        endTurn ??= await turns.take(
          Object.values(trail.keys)
            .map((key) => key.arn)
            .join(' '),
        );
        await pause(attempt);
      }
    }
  } catch (error) {
    failure = toKmsError(error);
    reportFaults(service, { operation: request.operation.name, requestId: request.requestId }, [failure]);
    if (error instanceof CryptoError && error.code === 'material-refused') raiseMaterialRefused(service, request, trail.keys);
  }
  endTurn?.();
  request.onKeySpec?.(keySpecOf(trail.keys));
  if (committer?.committed !== true) {
    const record = auditRecord(request, trail, failure ?? trail.itemFailure, []);
    const noted = failure === undefined ? noteUse(service, request, trail, record) : undefined;
    await recordOrWithhold(service, record);
    await noted;
  }
  if (failure !== undefined) throw failure;
  return output;
}

/** What is known of the request so far, for its audit record. */
interface Trail {
  readonly now: number;
  keys: Readonly<Record<string, LoadedKey>>;
  parameters: JsonObject;
  /** The enclave that the answer is for. */
  attestation?: Attestation | undefined;
  /** Keys that cryptography was done with. */
  used: readonly LoadedKey[];
  /** Of a batch: the worst that happened to an item. The request itself succeeded. */
  itemFailure?: KmsError | undefined;
}

async function noteUse(service: Service, { operation, requestId }: OperationRequest, trail: Trail, record: AuditRecord): Promise<void> {
  if (!operation.needs.includes('usage') || trail.used.length === 0) return;
  await service.ports.usage.note(
    trail.used.map((key) => key.record),
    { operation: (operation.batchOf ?? operation).name, at: trail.now, eventId: record.eventId, requestId },
  );
}

async function attemptOnce(
  service: Service,
  request: OperationRequest,
  input: Record<string, unknown>,
  trail: Trail,
  committer: RequestCommitter,
): Promise<Record<string, unknown> | undefined> {
  const { operation, caller } = request;
  if (operation.batchOf !== undefined) return await runItems(service, request, operation.batchOf, input, trail, committer);
  const context = admit(service, request, operation, input, await authorizeRequest(service, request, input, trail), trail.now, { ...service.ports, committer });
  const output = await operation.run(context, await service.markers.open(operation, caller, input));
  trail.used = Object.values(trail.keys);
  return await service.markers.seal(operation, caller, trail.attestation === undefined ? output : await sealAnswer(operation, trail.attestation, output));
}

/** The word for it in metrics: never more of a key than its spec. */
function keySpecOf(keys: Trail['keys']): string {
  const specs = new Set(Object.values(keys).map((key) => key.record.keySpec));
  const [only] = specs;
  return specs.size > 1 ? 'several' : (only ?? 'none');
}

/** What comes between authorizing and running: the same for a request and for an item of a batch. @throws KmsError */
function admit(
  service: Service,
  { caller, requestId }: OperationRequest,
  operation: Operation,
  input: Record<string, unknown>,
  { keys, access }: AuthorizedRequest,
  now: number,
  ports: Ports,
): Context<keyof Ports, never, string> {
  const context: Context<keyof Ports, never, string> = {
    caller,
    partition: service.partition,
    requestId,
    now,
    keys,
    ports,
    access,
    error: (code, message) => new KmsError(code, message),
  };
  operation.check?.(context, input);
  for (const [role, key] of Object.entries(keys)) if (operation.statelessRoles?.includes(role) !== true) requireState(operation.name, key);
  if (input.DryRun === true && operation.dryRun !== 'own') throw new KmsError('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.');
  return context;
}

async function runItems(
  service: Service,
  request: OperationRequest,
  operation: Operation,
  input: Record<string, unknown>,
  trail: Trail,
  committer: RequestCommitter,
): Promise<Record<string, unknown>> {
  const ports = { ...service.ports, committer };
  const items = await runBatch({
    service,
    request,
    operation,
    members: input.Items as readonly unknown[],
    now: trail.now,
    admit: (members, authorized) => admit(service, request, operation, members, authorized, trail.now, ports),
    onMaterialRefused: (keys) => raiseMaterialRefused(service, request, keys),
  });
  const byArn = new Map(items.flatMap((item, at) => Object.entries(item.keys).map(([role, key]) => [key.arn, [`${at}.${role}`, key] as const])));
  trail.keys = Object.fromEntries(byArn.values());
  trail.parameters = batchParameters(items, outcomeOf);
  trail.used = [...new Set(items.flatMap(({ failure, keys }) => (failure === undefined ? Object.values(keys) : [])))];
  const failures = items.flatMap(({ failure }) => failure ?? []);
  reportFaults(service, { operation: request.operation.name, requestId: request.requestId }, failures);
  trail.itemFailure = failures.find((failure) => outcomeOf(failure) === 'denied') ?? failures[0];
  return batchOutput(items);
}

/** Overtaken requests step out of each other's way: up to 5, 10, 15 … ms. */
const pause = (attempt: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * attempt));

const deniedCodes: ReadonlySet<string> = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'ExpiredTokenException',
]);

function auditRecord(request: OperationRequest, trail: Trail, failure: KmsError | undefined, created: readonly { arn: string; role: string }[]): AuditRecord {
  const { caller } = request;
  return {
    format: 1,
    eventId: newEventId(trail.now),
    time: new Date(trail.now).toISOString(),
    requestId: request.requestId,
    operation: request.operation.name,
    protocol: request.protocol,
    outcome: outcomeOf(failure),
    errorCode: failure?.code,
    principal: { arn: caller.principalArn, id: caller.principalId, account: caller.account, accessKeyId: caller.accessKeyId },
    sourceIp: request.sourceIp,
    userAgent: request.userAgent?.slice(0, 512),
    region: caller.region,
    resources: [...Object.entries(trail.keys).map(([role, key]) => ({ arn: key.arn, role, protection: describeKeySpec(key.record.keySpec).protection })), ...created],
    parameters: trail.parameters,
  };
}

export const outcomeOf = (failure: KmsError | undefined): AuditRecord['outcome'] => (failure === undefined ? 'success' : deniedCodes.has(failure.code) ? 'denied' : 'failed');

/** Design section 8: the answer is released only once its record is durable. */
export async function recordOrWithhold(service: Pick<Service, 'audit' | 'alarms' | 'clock' | 'onFault'>, record: AuditRecord): Promise<void> {
  try {
    await service.audit.append(record);
  } catch (error) {
    const now = service.clock.now();
    service.alarms.raise({
      eventId: newEventId(now),
      time: new Date(now).toISOString(),
      kind: 'audit-unavailable',
      requestId: record.requestId,
      message: 'A request was refused because its audit record could not be written to any sink.',
    });
    const withheld = new KmsError('KMSInternalException', 'The request could not be recorded in the audit trail, so its answer is withheld. Try again.', { cause: error });
    reportFaults(service, record, [withheld]);
    throw withheld;
  }
}
