/** The alarm about key material that the bridge refused. */
import { newEventId } from '#shared/ids.ts';
import type { LoadedKey } from '#shared/repositories/key-reader.ts';
import type { OperationRequest } from './execute.ts';
import type { Service } from './service.ts';

/** The bridge found a material row that is not the one it sealed: somebody wrote to the database (threat T-04). */
export function raiseMaterialRefused(service: Service, request: Pick<OperationRequest, 'requestId'>, keys: Readonly<Record<string, LoadedKey>>): void {
  const now = service.clock.now();
  service.alarms.raise({
    eventId: newEventId(now),
    time: new Date(now).toISOString(),
    kind: 'material-refused',
    requestId: request.requestId,
    resource: Object.values(keys)
      .map((key) => key.arn)
      .join(' '),
    message: 'Key material was refused by the bridge: its row does not match what was sealed.',
  });
}
