import { SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientConfig, type SdkSender, type SdkSettings, throughSdk } from './sdk-sender.ts';

/** The service's endpoint decides where requests go, as with every other service, and not the host in a queue's URL. */
export const createSqsClient = (settings: SdkSettings): SdkSender =>
  throughSdk(new SQSClient({ ...clientConfig(settings), useQueueUrlAsEndpoint: false }), { SendMessage: SendMessageCommand, SendMessageBatch: SendMessageBatchCommand });
