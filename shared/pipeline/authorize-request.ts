/** Finds the keys of a request and decides about them: one store request when nothing changed since the last look. */
import type { Attestation } from '#shared/attestation/attestation.ts';
import { KmsError } from '#shared/errors.ts';
import type { Operation } from '#shared/operation.ts';
import { authorizeKey, authorizeResources } from '#shared/policy/authorize.ts';
import { isKeptFromDestroying } from '#shared/policy/custodian.ts';
import { identityOf, openRequestAccess, type RequestAccess, systemAccess } from '#shared/policy/request-access.ts';
import type { Work } from '#shared/policy/work.ts';
import type { PrincipalAccess } from '#shared/repositories/access-reader.ts';
import type { LoadedKey, ReferencedLookup } from '#shared/repositories/key-reader.ts';
import type { OperationRequest } from './execute.ts';
import { keyReferences } from './key-references.ts';
import type { Service } from './service.ts';

export interface AuthorizedRequest {
  readonly keys: Readonly<Record<string, LoadedKey>>;
  readonly access: RequestAccess;
}

type Keys = AuthorizedRequest['keys'];
export type Lookups = Readonly<Record<string, ReferencedLookup>>;
type Input = Readonly<Record<string, unknown>>;

interface AuthorizedTrail {
  readonly now: number;
  keys: Keys;
  readonly attestation?: Attestation | undefined;
}

/**
 * @param trail told of the keys as soon as they are found, so that the record of a refusal names them
 * @throws KmsError as shared/policy/authorize.ts says
 */
export async function authorizeRequest(service: Service, request: OperationRequest, input: Input, trail: AuthorizedTrail): Promise<AuthorizedRequest> {
  const { operation, caller } = request;
  requireCustodian(service, request);
  await checkTokens(service, input);
  const snapshot = service.rows.open();
  const lookups = await service.keyReader.find(keyReferences(operation, input), caller, operation.material === true, snapshot, service.accessReader.rowsFor(identityOf(caller)));
  trail.keys = foundKeys(lookups);
  return await authorizeFound(service, request, { operation, input, lookups, now: trail.now, attestation: trail.attestation }, (keys) =>
    service.accessReader.read(
      identityOf(caller),
      snapshot,
      Object.values(keys).map(({ record }) => record),
    ),
  );
}

/** Behind the gateway and the dispatcher, which ask the same: who reached the function around them is refused here. The service itself destroys what is due. */
function requireCustodian({ custodianSessions }: Service, { operation, protocol, caller }: OperationRequest): void {
  if (protocol !== 'system' && isKeptFromDestroying(operation.name, caller.principalArn, custodianSessions)) throw new KmsError('AccessDeniedException');
}

/** Before anything is looked up, so that a made-up token finds nothing out. @throws KmsError InvalidGrantTokenException */
export async function checkTokens(service: Service, input: Input): Promise<void> {
  const tokens = [...((input.GrantTokens as readonly string[] | undefined) ?? []), ...(typeof input.GrantToken === 'string' ? [input.GrantToken] : [])];
  if (tokens.length > 0) await service.ports.grants.checkTokens(tokens);
}

export function foundKeys(lookups: Lookups): Keys {
  const keys: Record<string, LoadedKey> = {};
  for (const [role, lookup] of Object.entries(lookups)) if (lookup.found) keys[role] = lookup.key;
  return keys;
}

export interface FoundCase {
  readonly operation: Operation;
  readonly input: Input;
  readonly lookups: Lookups;
  readonly now: number;
  readonly attestation?: Attestation | undefined;
  /** What the decisions of a batch may cost together. */
  readonly work?: Work;
}

/**
 * The one decision about a request whose keys were looked up, and about each item of a batch.
 * @param readPrincipal what decides over the caller, of the snapshot that the keys were read into
 * @throws KmsError as shared/policy/authorize.ts says
 */
export async function authorizeFound(
  service: Service,
  { caller, protocol, sourceIp, userAgent }: OperationRequest,
  { operation, input, lookups, now, attestation, work }: FoundCase,
  readPrincipal: (keys: Keys) => Promise<PrincipalAccess>,
): Promise<AuthorizedRequest> {
  const { partition, policies, accessReader: reader } = service;
  const open = async (): Promise<RequestAccess> => {
    const keys = foundKeys(lookups);
    const source = { operation: operation.name, input, caller, partition, now, sourceIp, userAgent, attestation };
    return await openRequestAccess({ principal: await readPrincipal(keys), reader, policies, source, keys, work });
  };
  const access = protocol === 'system' ? systemAccess : await open();
  const authorization = { operation, caller, partition, access };
  const keys: Record<string, LoadedKey> = {};
  for (const [role, lookup] of Object.entries(lookups)) keys[role] = authorizeKey(authorization, role, lookup);
  authorizeResources(authorization, input, keys);
  return { keys, access };
}
