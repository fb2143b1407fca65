/** What the bridge answers, read. Its errors become CryptoErrors. */
import type { BridgeOperationName, BridgeReply } from '#shared/bridge-messages.ts';
import { bridgeErrorSchema, bridgeErrorStatus, decodeFrame } from '#shared/bridge-protocol.ts';
import { CryptoError } from '#shared/ports/crypto.ts';
import type { HttpReply } from './answer-reader.ts';

type FieldKind = 'list' | 'bytes' | 'object' | 'boolean' | 'texts' | 'booleans';

/** What each reply must have. Cheaper than the schemas of the protocol, which the bridge's own tests hold it to. */
const replyShapes: Readonly<Record<BridgeOperationName, Readonly<Record<string, FieldKind>>>> = {
  'generate-key': { material: 'object' },
  'rebind-key': { material: 'object' },
  'import-parameters': { publicKey: 'bytes', token: 'bytes' },
  'import-key': { material: 'object', fingerprint: 'object' },
  encrypt: { iv: 'bytes', ciphertext: 'bytes' },
  decrypt: { plaintext: 'bytes' },
  're-encrypt': { iv: 'bytes', ciphertext: 'bytes' },
  'generate-data-key': { iv: 'bytes', ciphertext: 'bytes' },
  'generate-data-key-pair': { iv: 'bytes', ciphertext: 'bytes', publicKey: 'bytes' },
  'derive-shared-secret': { sharedSecret: 'bytes' },
  encapsulate: { sharedSecret: 'bytes', ciphertext: 'bytes' },
  decapsulate: { sharedSecret: 'bytes' },
  sign: { signature: 'bytes' },
  verify: { valid: 'boolean' },
  'generate-mac': { mac: 'bytes' },
  'verify-mac': { valid: 'boolean' },
  'get-public-key': { publicKey: 'bytes' },
  'generate-random': { random: 'bytes' },
  'seal-rows': { seals: 'texts' },
  'check-seals': { valid: 'booleans' },
  'sign-audit': { signature: 'bytes' },
  'derive-key': { key: 'bytes' },
  batch: { results: 'list' },
};

const fits: Readonly<Record<FieldKind, (value: unknown) => boolean>> = {
  list: Array.isArray,
  bytes: (value) => value instanceof Uint8Array,
  object: (value) => typeof value === 'object' && value !== null,
  boolean: (value) => typeof value === 'boolean',
  texts: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  booleans: (value) => Array.isArray(value) && value.every((item) => typeof item === 'boolean'),
};

/** @throws CryptoError what the bridge says, or internal */
export function readReply<Name extends BridgeOperationName>(operation: Name, { status, body }: HttpReply): BridgeReply<Name> {
  if (status !== 200) throw errorOf(status, body);
  let message: Record<string, unknown>;
  try {
    message = decodeFrame(body);
  } catch {
    throw malformed();
  }
  demandShape(operation, message);
  return ownBytes(message) as BridgeReply<Name>;
}

/** Every byte field in memory of its own, so that its owner can wipe or keep it without regard to the others. */
function ownBytes(message: Record<string, unknown>): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message)) {
    own[name] = value instanceof Uint8Array ? Uint8Array.prototype.slice.call(value) : value;
    if (value instanceof Uint8Array) value.fill(0);
  }
  return own;
}

/** @throws CryptoError internal */
export function demandShape(operation: BridgeOperationName, message: Readonly<Record<string, unknown>>): void {
  for (const [name, kind] of Object.entries(replyShapes[operation])) if (!fits[kind](message[name])) throw malformed();
}

function errorOf(status: number, body: Buffer): CryptoError {
  const parsed = bridgeErrorSchema.safeParse(parseJson(body));
  if (parsed.success && bridgeErrorStatus[parsed.data.code] === status) return new CryptoError(parsed.data.code, parsed.data.message);
  // Not our bridge, or something in front of it.
  return new CryptoError(status === 503 ? 'unavailable' : 'internal', `the bridge answered ${status}`);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

export const malformed = (): CryptoError => new CryptoError('internal', 'the answer of the bridge is malformed');
