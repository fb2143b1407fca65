/** Makes keys of the deployed service due, and runs its sweep. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GetFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { KeyRecord } from '#shared/keys/key-record.ts';
import type { RecordStore } from '#shared/ports/record-store.ts';
import { updateKey } from '#shared/repositories/changes.ts';
import { readKeyRecord } from '#shared/repositories/records.ts';
import { keyRow } from '#shared/repositories/rows.ts';
import { sealWrites } from '#shared/repositories/seal.ts';
import { bridgeHost, type Deployed, deploymentName } from './deploy.ts';
import { iam } from './deployed-callers.ts';

const FunctionName = `${deploymentName}-sweep`;

/** Writes a properly sealed row, as the service itself would have written it some time ago. */
export async function rewriteKey(deployed: Deployed, store: RecordStore, keyId: string, change: (record: KeyRecord) => KeyRecord): Promise<void> {
  const [item] = await store.getMany([keyRow({ region: deployed.client.region, keyId })]);
  if (item === undefined) throw new Error(`There is no key ${keyId}.`);
  const url = `https://${bridgeHost}:${new URL(deployed.bridge.url).port}`;
  const bridge = await deployed.bridge.client('lifecycle', { url, servername: 'localhost' });
  await store.transact(await sealWrites(bridge, [updateKey(item, change(readKeyRecord(item)))]));
}

export async function runSweep(deployed: Deployed): Promise<void> {
  const lambda = new LambdaClient(deployed.client);
  await allowBatchesToQueue(deployed, lambda);
  const { FunctionError, Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
  lambda.destroy();
  if (FunctionError !== undefined) throw new Error(`The sweep failed: ${Buffer.from(Payload ?? []).toString()}\n${deployed.emulator.log()}`);
}

const waitMs = 60_000;

/** @throws Error when it is not so in time */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('What was waited for did not happen.');
    await sleep(500);
  }
}

/**
 * The emulator takes SendMessageBatch for an action of its own; on AWS it is sqs:SendMessage, which is what the sweep's role has.
 * Service Authorization Reference, "Actions defined by Amazon SQS".
 */
async function allowBatchesToQueue(deployed: Deployed, lambda: LambdaClient): Promise<void> {
  const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName }));
  const RoleName = Configuration?.Role?.split('/').at(-1) ?? '';
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sqs:SendMessageBatch', Resource: '*' }] });
  await iam(deployed, { Action: 'PutRolePolicy', RoleName, PolicyName: 'emulator', PolicyDocument });
}
