/** Which keys a request names, as its operation says. */
import type { Operation } from '#shared/operation.ts';
import type { KeyReference } from '#shared/repositories/key-reader.ts';

/** The keys that a request names. @throws Error for an operation that resolves aliases without declaring it: on AWS its function may not read any */
export function keyReferences(operation: Operation, input: Record<string, unknown>): Readonly<Record<string, KeyReference>> {
  const references = operation.keys?.(input) ?? {};
  if (operation.byAlias !== true && Object.values(references).some(({ accepts }) => accepts === 'any')) throw new Error(`${operation.name} does not declare byAlias.`);
  return references;
}
