/**
 * The import token: what GetParametersForImport hands out and ImportKeyMaterial takes back. Opaque to callers.
 *
 *   token = payload | HMAC-SHA-256 (32)      payload = a frame (shared/bridge-protocol.ts) with the members below and the byte field `wrappedKey`
 *
 * Only the bridge can make the HMAC, and only its HSM can open `wrappedKey`, the private half of the wrapping key. Nothing is stored.
 */
import * as z from 'zod';
import { type WrappingAlgorithm, type WrappingKeySpec, wrappingAlgorithms, wrappingKeySpecs } from '#shared/algorithms/wrapping.ts';
import { decodeFrame, encodeFrame } from '#shared/bridge-protocol.ts';

export const importTokenTagBytes = 32;
export const importTokenValidMs = 86_400_000;

export interface ImportTokenPayload {
  readonly account: string;
  readonly region: string;
  readonly keyId: string;
  readonly wrappingAlgorithm: WrappingAlgorithm;
  readonly wrappingKeySpec: WrappingKeySpec;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  /** Generation of the key-encryption key that wraps `wrappedKey`. */
  readonly epoch: number;
  readonly wrappedKey: Uint8Array;
}

const payloadSchema = z.strictObject({
  kind: z.literal('import-token-1'),
  account: z.string(),
  region: z.string(),
  keyId: z.string(),
  wrappingAlgorithm: z.enum(wrappingAlgorithms),
  wrappingKeySpec: z.enum(wrappingKeySpecs),
  validTo: z.int().min(0),
  epoch: z.int().min(1),
  wrappedKey: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
});

export const encodeImportToken = (payload: ImportTokenPayload): Buffer => encodeFrame({ kind: 'import-token-1', ...payload });

/** The parts of a token, not authenticated. Undefined for everything that is not a token. */
export function splitImportToken(token: Uint8Array): { payload: ImportTokenPayload; authenticated: Uint8Array; tag: Uint8Array } | undefined {
  if (token.length <= importTokenTagBytes) return undefined;
  const authenticated = token.subarray(0, token.length - importTokenTagBytes);
  try {
    const parsed = payloadSchema.safeParse(decodeFrame(authenticated));
    if (!parsed.success) return undefined;
    const { kind: _, ...payload } = parsed.data;
    return { payload, authenticated, tag: token.subarray(token.length - importTokenTagBytes) };
  } catch {
    return undefined;
  }
}
