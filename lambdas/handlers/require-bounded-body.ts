import { KmsError } from '#shared/errors.ts';
import type { ApiRequest } from '#shared/protocols/api-request.ts';

/** As on the single node. API Gateway lets ten times as much through. */
const bodyBytesMax = 1024 * 1024;

/** @throws KmsError RequestEntityTooLargeException */
export function requireBoundedBody(request: ApiRequest): void {
  if (request.body.length > bodyBytesMax) throw new KmsError('RequestEntityTooLargeException', `The body has more than ${bodyBytesMax} bytes.`);
}
