/** Finds the keys of a request and decides about them: one store request when nothing changed since the last look. */
import { authorizeKey, authorizeResources } from '#shared/policy/authorize.ts';
import { identityOf, openRequestAccess, type RequestAccess, systemAccess } from '#shared/policy/request-access.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import type { RowSnapshot } from '#shared/repositories/row-reader.ts';
import type { OperationRequest } from './execute.ts';
import type { Service } from './service.ts';

export interface AuthorizedRequest {
  readonly keys: Readonly<Record<string, LoadedKey>>;
  readonly access: RequestAccess;
}

/**
 * @param trail told of the keys as soon as they are found, so that the record of a refusal names them
 * @throws KmsError as shared/policy/authorize.ts says
 */
export async function authorizeRequest(
  service: Service,
  request: OperationRequest,
  input: Record<string, unknown>,
  trail: { readonly now: number; keys: Readonly<Record<string, LoadedKey>> },
): Promise<AuthorizedRequest> {
  const { operation, caller } = request;
  const references = operation.keys?.(input) ?? {};
  // Before anything is looked up, so that a made-up token finds nothing out.
  const tokens = [...((input.GrantTokens as readonly string[] | undefined) ?? []), ...(typeof input.GrantToken === 'string' ? [input.GrantToken] : [])];
  if (tokens.length > 0) await service.ports.grants.checkTokens(tokens);
  const snapshot = service.rows.open();
  const rows = service.accessReader.rowsFor(identityOf(caller));
  const lookups = await service.keyReader.find(references, caller, operation.material === true, snapshot, rows);
  trail.keys = Object.fromEntries(Object.entries(lookups).flatMap(([role, lookup]) => (lookup.found ? [[role, lookup.key]] : [])));
  const access = request.protocol === 'system' ? systemAccess : await accessOf(service, request, input, trail, snapshot);
  const authorization = { operation, caller, partition: service.partition, access };
  const keys = Object.fromEntries(Object.entries(lookups).map(([role, lookup]) => [role, authorizeKey(authorization, role, lookup)]));
  authorizeResources(authorization, input, Object.keys(references).length > 0);
  return { keys, access };
}

async function accessOf(
  service: Service,
  { operation, caller, sourceIp, userAgent }: OperationRequest,
  input: Record<string, unknown>,
  { now, keys }: { readonly now: number; readonly keys: Readonly<Record<string, LoadedKey>> },
  snapshot: RowSnapshot,
): Promise<RequestAccess> {
  const principal = await service.accessReader.read(
    identityOf(caller),
    snapshot,
    Object.values(keys).map(({ record }) => record),
  );
  const source = { operation: operation.name, input, caller, partition: service.partition, now, sourceIp, userAgent };
  return await openRequestAccess({ principal, reader: service.accessReader, policies: service.policies, source, keys });
}
