import type { BridgeReply, BridgeRequest } from '#shared/bridge-messages.ts';
import type { CallContext, Hsm } from './hsm.ts';
import { invalid } from './rules.ts';

const digestBytes = 32;

export async function sealRows(hsm: Hsm, { digests }: BridgeRequest<'seal-rows'>, context: CallContext): Promise<BridgeReply<'seal-rows'>> {
  const seals = await hsm.run('seal', digests.map(decodeDigest), context);
  return { seals: seals.map((seal) => seal.toString('base64')) };
}

export async function checkSeals(hsm: Hsm, { rows }: BridgeRequest<'check-seals'>, context: CallContext): Promise<BridgeReply<'check-seals'>> {
  const fields = rows.flatMap(({ digest, seal }) => [decodeDigest(digest), Buffer.from(seal, 'base64')]);
  const [verdicts] = await hsm.run('checkSeals', fields, context);
  return { valid: Array.from(verdicts!, (verdict) => verdict === 1) };
}

export async function signAudit(hsm: Hsm, { digest }: BridgeRequest<'sign-audit'>, context: CallContext): Promise<BridgeReply<'sign-audit'>> {
  const [signature] = await hsm.run('signAudit', [digest], context);
  return { signature: signature! };
}

export async function deriveKey(hsm: Hsm, { purpose }: BridgeRequest<'derive-key'>, context: CallContext): Promise<BridgeReply<'derive-key'>> {
  const [key] = await hsm.run('deriveKey', [Buffer.from(purpose, 'utf8')], context);
  return { key: key! };
}

export async function generateRandom(hsm: Hsm, { length }: BridgeRequest<'generate-random'>, context: CallContext): Promise<BridgeReply<'generate-random'>> {
  const [random] = await hsm.run('random', [Buffer.from(String(length), 'utf8')], context);
  return { random: random! };
}

function decodeDigest(value: string): Buffer {
  const digest = Buffer.from(value, 'base64');
  if (digest.length !== digestBytes) throw invalid('a row digest has 32 bytes');
  return digest;
}
