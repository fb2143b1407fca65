import { describeKeySpec } from '#shared/algorithms/key-specs.ts';
import { canWrap } from '#shared/algorithms/wrapping.ts';
import type { BridgeReply, BridgeRequest } from '#shared/bridge-messages.ts';
import { splitImportToken } from '#shared/keys/import-token.ts';
import type { ImportedKey } from '#shared/ports/crypto.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import type { ImportRequest } from '../driver/import-material.ts';
import type { WrappingKeyRequest } from '../driver/wrapping-keys.ts';
import type { CallContext, Hsm } from './hsm.ts';
import { invalid } from './rules.ts';

/** The service says when a token ends; the bridge holds old ones off by its own clock, which may differ a little. */
const clockSkewMs = 300_000;

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');

/** On the slow lane: making an RSA key takes up to seconds. */
export async function importParameters(hsm: Hsm, request: BridgeRequest<'import-parameters'>, context: CallContext): Promise<BridgeReply<'import-parameters'>> {
  const { account, region, keyId, wrappingAlgorithm, wrappingKeySpec, validTo } = request;
  const head: WrappingKeyRequest = { account, region, keyId, wrappingAlgorithm, wrappingKeySpec, validTo };
  const [publicKey, token] = await hsm.runSlow('importParameters', [json(head)], context);
  return { publicKey: publicKey!, token: token! };
}

export async function importKey(hsm: Hsm, request: BridgeRequest<'import-key'>, context: CallContext): Promise<BridgeReply<'import-key'>> {
  const { token, encrypted, ...rest } = request;
  const descriptor = describeKeySpec(rest.keySpec);
  if (!descriptor.usages.includes(rest.keyUsage)) throw invalid(`${rest.keySpec} for ${rest.keyUsage} is not imported`);
  if (rest.newVersion === undefined && rest.known.length === 0) throw invalid('the material can become no version');
  // Not authenticated yet: what passes here still has to pass the HMAC.
  const payload = splitImportToken(token)?.payload;
  if (payload === undefined || payload.validTo + clockSkewMs < Date.now() || !canWrap(rest.keySpec, payload.wrappingAlgorithm, payload.wrappingKeySpec)) {
    throw new CryptoError('invalid-import-token', 'the import token is refused');
  }
  const head: ImportRequest = { ...rest, protection: descriptor.protection, createdAt: Date.now() };
  const [reply] = await hsm.runSlow('importKey', [json(head), token, encrypted], context);
  return JSON.parse(reply!.toString('utf8')) as ImportedKey & BridgeReply<'import-key'>;
}
