/**
 * Who calls, by what API Gateway verified and by nothing else: not a header, not the body. Somebody with lambda:InvokeFunction can make up a whole
 * event; the API id keeps honest mistakes out, and the rest is a matter of IAM (docs/adr/0013, threat T-02).
 */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import * as z from 'zod';
import { KmsError } from '#shared/errors.ts';
import type { Caller } from '#shared/pipeline/caller.ts';

export interface CallerSettings {
  readonly apiId: string;
  /** Region of the keys: the one that this deployment runs in. */
  readonly region: string;
}

/** AWS_IAM authorization fills these. `caller` is the unique id: AIDA… of a user, AROA…:session of a role, the account of its root. */
const verifiedIdentity = z.object({
  accountId: z.string().regex(/^[0-9]{12}$/),
  userArn: z.string().startsWith('arn:').max(2048),
  caller: z.string().min(1).max(512),
  accessKey: z.string().min(1).max(256).nullish(),
});

/** @throws KmsError AccessDeniedException, MissingAuthenticationTokenException */
export function callerOfEvent(event: APIGatewayProxyEvent, settings: CallerSettings): Caller {
  const context: Partial<APIGatewayProxyEvent['requestContext']> | undefined = event.requestContext;
  if (context?.apiId !== settings.apiId) throw new KmsError('AccessDeniedException', 'The request did not come through the API of this deployment.');
  const identity = verifiedIdentity.safeParse(context.identity);
  if (!identity.success) throw new KmsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const { accountId, userArn, caller, accessKey } = identity.data;
  return { account: accountId, region: settings.region, principalArn: userArn, principalId: caller, accessKeyId: accessKey ?? undefined };
}
