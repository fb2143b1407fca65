import { isSeedSpec, type SigningAlgorithm } from '#shared/algorithms/key-specs.ts';
import type { MessageType } from '#shared/algorithms/signing.ts';
import type { BridgeReply, BridgeRequest } from '#shared/bridge-messages.ts';
import type { SigningHead } from '../driver/jobs.ts';
import type { SeedSigningHead } from '../driver/software-jobs.ts';
import type { CallContext, Hsm } from './hsm.ts';
import { demandMessageFits, demandUse } from './rules.ts';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');

function demandSigning({ key, algorithm, messageType, message }: BridgeRequest<'sign'>): void {
  demandUse(key.material, 'SIGN_VERIFY', algorithm);
  demandMessageFits(algorithm, messageType, message.length);
}

export async function sign(hsm: Hsm, request: BridgeRequest<'sign'>, context: CallContext): Promise<BridgeReply<'sign'>> {
  const { key, algorithm, messageType, message } = request;
  if (isSeedSpec(key.material.keySpec)) return { signature: await signWithSeed(hsm, request, context) };
  const [signature] = await hsm.withKey(key, context, (handle) => {
    demandSigning(request);
    const head: SigningHead = { spec: key.material.keySpec, algorithm, messageType };
    return hsm.run('sign', [handle, json(head), message], context);
  });
  return { signature: signature! };
}

async function signWithSeed(hsm: Hsm, request: BridgeRequest<'sign'>, context: CallContext): Promise<Buffer> {
  const { key, algorithm, messageType, message } = request;
  const [signature] = await hsm.withAuthenticRow(key, (row) => {
    demandSigning(request);
    const head: SeedSigningHead = { algorithm, messageType };
    return hsm.runSlow('seedSign', [row, json(head), message], context);
  });
  return signature!;
}

/** node:crypto does not have these two; the libraries that do take milliseconds (docs/adr/0020). */
const isSlowToVerify = (algorithm: SigningAlgorithm, messageType: MessageType): boolean => algorithm === 'ED25519_PH_SHA_512' || messageType === 'EXTERNAL_MU';

export async function verify(hsm: Hsm, { signature, ...request }: BridgeRequest<'verify'>, context: CallContext): Promise<BridgeReply<'verify'>> {
  const { key, algorithm, messageType, message } = request;
  await hsm.check(key);
  demandSigning(request);
  const head: SigningHead = { spec: key.material.keySpec, algorithm, messageType, publicKey: key.material.publicKey };
  const fields = [json(head), message, signature];
  const [verdict] = await (isSlowToVerify(algorithm, messageType) ? hsm.runSlow('verify', fields, context) : hsm.run('verify', fields, context));
  return { valid: verdict![0] === 1 };
}

export async function generateMac(hsm: Hsm, { key, algorithm, message }: BridgeRequest<'generate-mac'>, context: CallContext): Promise<BridgeReply<'generate-mac'>> {
  const [mac] = await hsm.withKey(key, context, (handle) => {
    demandUse(key.material, 'GENERATE_VERIFY_MAC', algorithm);
    return hsm.run('mac', [handle, json(algorithm), message], context);
  });
  return { mac: mac! };
}

export async function verifyMac(hsm: Hsm, { key, algorithm, message, mac }: BridgeRequest<'verify-mac'>, context: CallContext): Promise<BridgeReply<'verify-mac'>> {
  const [verdict] = await hsm.withKey(key, context, (handle) => {
    demandUse(key.material, 'GENERATE_VERIFY_MAC', algorithm);
    return hsm.run('verifyMac', [handle, json(algorithm), message, mac], context);
  });
  return { valid: verdict![0] === 1 };
}
