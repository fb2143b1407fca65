/**
 * CloudHSM's API through the AWS SDK. The newest client to be had (3.332.0) is older than hsm2m.medium: it sends `Mode`, and drops it from answers. So
 * answers are taken as they came over the wire and read by schemas of our own; the SDK finds the endpoint, signs, sends and recognises errors.
 */
import { Readable } from 'node:stream';
import {
  CloudHSMV2Client,
  CopyBackupToRegionCommand,
  CreateClusterCommand,
  CreateHsmCommand,
  DescribeBackupsCommand,
  DescribeClustersCommand,
  InitializeClusterCommand,
  ModifyBackupAttributesCommand,
  TagResourceCommand,
} from '@aws-sdk/client-cloudhsm-v2';
import { ControlPlaneError, type FailureKind } from '#shared/cloudhsm/ports.ts';
import { AwsAnswerError, clientConfig, type SdkSettings, throughSdk } from '../adapters/sdk-sender.ts';

/** Everything that is ever called. Nothing here deletes. */
const commands = {
  CopyBackupToRegion: CopyBackupToRegionCommand,
  CreateCluster: CreateClusterCommand,
  CreateHsm: CreateHsmCommand,
  DescribeBackups: DescribeBackupsCommand,
  DescribeClusters: DescribeClustersCommand,
  InitializeCluster: InitializeClusterCommand,
  ModifyBackupAttributes: ModifyBackupAttributesCommand,
  TagResource: TagResourceCommand,
};
export type CloudHsmOperation = keyof typeof commands;

export interface CloudHsmClient {
  /** Sent once. @throws ControlPlaneError */
  send(operation: CloudHsmOperation, input: Readonly<Record<string, unknown>>): Promise<unknown>;
}

const timeoutMs = 10_000;

export function createCloudHsmClient(settings: SdkSettings = {}): CloudHsmClient {
  const client = new CloudHSMV2Client({ ...clientConfig(settings), retryStrategy: once });
  keepAnswers(client);
  const sender = throughSdk(client, commands);
  return {
    async send(operation, input) {
      try {
        return ((await sender.send(operation, input, { abortSignal: AbortSignal.timeout(timeoutMs) })) as WithAnswer).$answer;
      } catch (error) {
        throw asControlPlaneError(error, operation);
      }
    },
  };
}

/** This version repeats once although maxAttempts is 1, and a repeated CreateCluster is a second cluster. */
// biome-ignore lint/suspicious/noExplicitAny: the two ends of the SDK's stack
const once = { mode: 'once', retry: (next: any, args: any) => next(args) };

interface WithAnswer {
  $answer?: unknown;
}
type Next = (args: unknown) => Promise<{ readonly response: { body: Readable | Uint8Array; statusCode: number; $text?: string }; readonly output: WithAnswer }>;

/** One middleware below the SDK's deserializer keeps the text, one above it puts what the text says beside the SDK's reading of it. */
function keepAnswers(client: CloudHSMV2Client): void {
  // biome-ignore lint/suspicious/noExplicitAny: the types of the SDK's stack do not say what a deserialize step sees
  const stack = client.middlewareStack as any;
  const keepText = (next: Next) => async (args: unknown) => {
    const result = await next(args);
    const chunks: Uint8Array[] = [];
    for await (const chunk of result.response.body as Readable) chunks.push(chunk as Uint8Array);
    const bytes = Buffer.concat(chunks);
    result.response.$text = bytes.toString();
    result.response.body = Readable.from([bytes]);
    return result;
  };
  const giveAnswer = (next: Next) => async (args: unknown) => {
    const result = await next(args);
    result.output.$answer = JSON.parse(result.response.$text || '{}');
    return result;
  };
  stack.add(keepText, { name: 'keepText', step: 'deserialize', priority: 'low' });
  stack.add(giveAnswer, { name: 'giveAnswer', step: 'deserialize', priority: 'high' });
}

const throttles: ReadonlySet<string> = new Set(['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded', 'RequestThrottled', 'SlowDown']);
const denials: ReadonlySet<string> = new Set([
  'CloudHsmAccessDeniedException',
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'ExpiredTokenException',
]);

/** Also for the other services that the reconciler calls. */
export function asControlPlaneError(error: unknown, operation: string): ControlPlaneError {
  if (error instanceof AwsAnswerError) return new ControlPlaneError(failureKind(error), `${operation}: ${error.name}: ${error.message}`, { cause: error });
  return new ControlPlaneError('lost', `${operation} got no answer (${error instanceof Error ? error.name : typeof error}).`, { cause: error });
}

function failureKind({ name, status }: AwsAnswerError): FailureKind {
  if (throttles.has(name) || status === 429) return 'throttled';
  if (denials.has(name)) return 'denied';
  return status >= 500 || name === 'CloudHsmServiceException' ? 'failed' : 'refused';
}
