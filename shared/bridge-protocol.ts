/**
 * What travels between the bridge and its clients: HTTP/1.1 POST /v1/<operation> over mTLS, with one binary frame each way.
 *
 *   frame = u8 format (1) | u32be head length | head (UTF-8 JSON object) | byte fields, concatenated
 *
 * Top-level Uint8Array members are byte fields: the head lists them, in order, as `$bytes: [[name, length], ...]`. Everything else is JSON.
 * Secrets travel only as byte fields, so that no immutable string ever holds one (docs/adr/0005).
 */
import * as z from 'zod';
import { dataKeyPairSpecs, encryptionAlgorithms, type KeySpec, keySpecs, keyUsages, macAlgorithms, signingAlgorithms } from '#shared/algorithms/key-specs.ts';
import { wrappingAlgorithms, wrappingKeySpecs } from '#shared/algorithms/wrapping.ts';
import { wrapMechanisms } from '#shared/keys/material.ts';
import { cryptoErrorCodes, derivedKeyPurposes } from '#shared/ports/crypto.ts';

/** From the URI SAN of the client certificate: `spiffe://chatelaine/<class>`. A reader may only check seals and see public keys. */
export const callerClasses = ['reader', 'crypto', 'lifecycle', 'rotation', 'audit', 'admin'] as const;
export type CallerClass = (typeof callerClasses)[number];

export const frameBytesMax = 64 * 1024;
/** A batch carries up to 100 calls with their keys: 100 of the longest RSA_4096 verifications fit. */
export const batchFrameBytesMax = 2 * 1024 * 1024;
export const batchCallsMax = 100;
export const frameBytesLimit = (operation: BridgeOperationName): number => (operation === 'batch' ? batchFrameBytesMax : frameBytesMax);
/** Remaining budget of the caller in milliseconds. */
export const deadlineHeader = 'x-deadline-ms';

const bytes = (max: number, min = 0) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length >= min && value.length <= max, { message: `must be ${min} to ${max} bytes` });
const base64 = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/);

export const keyIdPattern = /^(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;
const bindingShape = {
  account: z.string().regex(/^[0-9]{12}$/),
  region: z
    .string()
    .min(1)
    .max(32)
    .regex(/^[a-z0-9-]+$/),
  keyId: z.string().regex(keyIdPattern),
  version: z.int().min(1).max(0xffffffff),
};
const binding = z.strictObject(bindingShape);
export const keyMaterialSchema = z.strictObject({
  format: z.literal(1),
  ...bindingShape,
  keySpec: z.enum(keySpecs as [string, ...string[]] as [(typeof keySpecs)[number], ...(typeof keySpecs)[number][]]),
  keyUsage: z.enum(keyUsages),
  origin: z.enum(['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']),
  protection: z.enum(['HSM', 'HSM_SEALED_SEED', 'EXTERNAL']),
  epoch: z.int().min(1).max(0xffffffff),
  wrapMechanism: z.enum(wrapMechanisms),
  createdAt: z.int().min(0),
  publicKey: base64(4096).optional(),
  wrapped: base64(8192),
  tag: base64(64),
});
const handle = z.strictObject({ binding, material: keyMaterialSchema });
const aad = bytes(1024).optional();
const side = z.strictObject({ key: handle, algorithm: z.enum(encryptionAlgorithms) });
const parts = { iv: bytes(16), ciphertext: bytes(6144, 1) };
const digest = base64(64);
const messageType = z.enum(['RAW', 'DIGEST', 'EXTERNAL_MU']);
const signing = { key: handle, algorithm: z.enum(signingAlgorithms), messageType, message: bytes(4096) };
const mac = { key: handle, algorithm: z.enum(macAlgorithms), message: bytes(4096, 1) };

const batchedCall = z.strictObject({ operation: z.string(), message: z.record(z.string(), z.unknown()) });

const operation = <Request extends z.ZodType, Reply extends z.ZodType>(classes: readonly CallerClass[], request: Request, reply: Reply) => ({ classes, request, reply });

const everyone = callerClasses;
const users = ['crypto', 'admin'] as const;
const makers = ['lifecycle', 'rotation', 'admin'] as const;
const importers = ['lifecycle', 'admin'] as const;
const { version: _, ...keyShape } = bindingShape;
const fingerprint = z.strictObject({ epoch: z.int().min(1).max(0xffffffff), value: z.string().regex(/^[0-9a-f]{64}$/) });

/** Operation → the caller classes that may call it, and both messages. The allow-list inside the bridge is this table. */
export const bridgeOperations = {
  'generate-key': operation(
    makers,
    z.strictObject({ binding, keySpec: keyMaterialSchema.shape.keySpec, keyUsage: keyMaterialSchema.shape.keyUsage, origin: keyMaterialSchema.shape.origin }),
    z.object({ material: keyMaterialSchema }),
  ),
  'rebind-key': operation(makers, z.strictObject({ key: handle, region: bindingShape.region }), z.object({ material: keyMaterialSchema })),
  'import-parameters': operation(
    importers,
    z.strictObject({ ...keyShape, wrappingAlgorithm: z.enum(wrappingAlgorithms), wrappingKeySpec: z.enum(wrappingKeySpecs), validTo: z.int().min(0) }),
    z.object({ publicKey: bytes(4096, 1), token: bytes(6144, 1) }),
  ),
  'import-key': operation(
    importers,
    z.strictObject({
      ...keyShape,
      keySpec: keyMaterialSchema.shape.keySpec,
      keyUsage: keyMaterialSchema.shape.keyUsage,
      token: bytes(6144, 1),
      encrypted: bytes(6144, 1),
      known: z.array(fingerprint.extend({ version: bindingShape.version })).max(64),
      newVersion: bindingShape.version.optional(),
    }),
    z.object({ material: keyMaterialSchema, fingerprint }),
  ),
  encrypt: operation(users, z.strictObject({ side, aad, plaintext: bytes(4096, 1) }), z.object(parts)),
  decrypt: operation(users, z.strictObject({ side, aad, ...parts }), z.object({ plaintext: bytes(4096) })),
  're-encrypt': operation(users, z.strictObject({ source: side, sourceAad: aad, ...parts, destination: side, destinationAad: aad }), z.object(parts)),
  'generate-data-key': operation(
    users,
    z.strictObject({ side, aad, length: z.int().min(1).max(1024), wantPlaintext: z.boolean() }),
    z.object({ ...parts, plaintext: bytes(1024, 1).optional() }),
  ),
  'generate-data-key-pair': operation(
    users,
    z.strictObject({ side, aad, keyPairSpec: z.enum(dataKeyPairSpecs as [KeySpec, ...KeySpec[]]), wantPlaintext: z.boolean() }),
    z.object({ ...parts, publicKey: bytes(4096, 1), privateKey: bytes(4096, 1).optional() }),
  ),
  'derive-shared-secret': operation(users, z.strictObject({ key: handle, publicKey: bytes(8192, 1) }), z.object({ sharedSecret: bytes(128, 1) })),
  encapsulate: operation(users, z.strictObject({ key: handle }), z.object({ sharedSecret: bytes(32, 32), ciphertext: bytes(6144, 1) })),
  decapsulate: operation(users, z.strictObject({ key: handle, ciphertext: bytes(6144, 1) }), z.object({ sharedSecret: bytes(32, 32) })),
  sign: operation(users, z.strictObject(signing), z.object({ signature: bytes(6144, 1) })),
  verify: operation(users, z.strictObject({ ...signing, signature: bytes(6144, 1) }), z.object({ valid: z.boolean() })),
  'generate-mac': operation(users, z.strictObject(mac), z.object({ mac: bytes(64, 1) })),
  'verify-mac': operation(users, z.strictObject({ ...mac, mac: bytes(6144, 1) }), z.object({ valid: z.boolean() })),
  'get-public-key': operation(everyone, z.strictObject({ key: handle }), z.object({ publicKey: bytes(4096, 1) })),
  'generate-random': operation(users, z.strictObject({ length: z.int().min(1).max(1024) }), z.object({ random: bytes(1024, 1) })),
  'seal-rows': operation(makers, z.strictObject({ digests: z.array(digest).min(1).max(100) }), z.object({ seals: z.array(digest) })),
  'check-seals': operation(
    everyone,
    z.strictObject({
      rows: z
        .array(z.strictObject({ digest, seal: digest }))
        .min(1)
        .max(100),
    }),
    z.object({ valid: z.array(z.boolean()) }),
  ),
  'sign-audit': operation(['audit', 'admin'], z.strictObject({ digest: bytes(48, 48) }), z.object({ signature: bytes(256, 1) })),
  'derive-key': operation(everyone, z.strictObject({ purpose: z.enum(derivedKeyPurposes) }), z.object({ key: bytes(32, 32) })),
  /** The envelope only: shared/bridge-batch.ts. Each call in it is held to its own operation's classes and request. */
  batch: operation(
    everyone,
    z.looseObject({ keys: z.array(z.unknown()).max(2 * batchCallsMax), calls: z.array(batchedCall).min(1).max(batchCallsMax) }),
    z.looseObject({ results: z.array(z.unknown()) }),
  ),
} as const;

export type BridgeOperationName = keyof typeof bridgeOperations;
export type BridgeRequest<Name extends BridgeOperationName> = z.output<(typeof bridgeOperations)[Name]['request']>;
export type BridgeReply<Name extends BridgeOperationName> = z.output<(typeof bridgeOperations)[Name]['reply']>;

/** Body of every answer that is not 200. */
export const bridgeErrorSchema = z.object({ code: z.enum(cryptoErrorCodes), message: z.string().max(500) });

/** HTTP status of each error code. 503 answers carry Retry-After. */
export const bridgeErrorStatus = {
  'invalid-ciphertext': 422,
  'material-refused': 409,
  'invalid-import-token': 422,
  'incorrect-key-material': 422,
  'invalid-request': 400,
  unsupported: 501,
  forbidden: 403,
  busy: 503,
  timeout: 504,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<(typeof cryptoErrorCodes)[number], number>;

const headerBytes = 5;

/** Members whose value is undefined are left out. */
export function encodeFrame(message: Readonly<Record<string, unknown>>): Buffer {
  const head: Record<string, unknown> = {};
  const fields: Uint8Array[] = [];
  const index: [string, number][] = [];
  for (const [name, value] of Object.entries(message)) {
    if (value instanceof Uint8Array) {
      index.push([name, value.length]);
      fields.push(value);
    } else if (value !== undefined) head[name] = value;
  }
  if (index.length > 0) head.$bytes = index;
  const json = Buffer.from(JSON.stringify(head), 'utf8');
  let length = headerBytes + json.length;
  for (const field of fields) length += field.length;
  // Buffer.alloc, not allocUnsafe: the pool is shared and this buffer may hold secrets that the owner wipes.
  const frame = Buffer.alloc(length);
  frame[0] = 1;
  frame.writeUInt32BE(json.length, 1);
  json.copy(frame, headerBytes);
  let at = headerBytes + json.length;
  for (const field of fields) {
    frame.set(field, at);
    at += field.length;
  }
  return frame;
}

/**
 * The byte fields of the result are views into `frame`: wiping the frame wipes them.
 * @throws Error when the frame is not exactly one well-formed message.
 */
export function decodeFrame(frame: Uint8Array): Record<string, unknown> {
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.length < headerBytes || view[0] !== 1) throw new Error('not a frame of format 1');
  const bodyAt = headerBytes + view.readUInt32BE(1);
  if (bodyAt > view.length) throw new Error('the head is longer than the frame');
  const head: unknown = JSON.parse(view.toString('utf8', headerBytes, bodyAt));
  if (typeof head !== 'object' || head === null || Array.isArray(head)) throw new Error('the head is not an object');
  const { $bytes: index = [], ...message } = head as { $bytes?: unknown } & Record<string, unknown>;
  if (!Array.isArray(index)) throw new Error('the byte index is not a list');
  let at = bodyAt;
  for (const entry of index) {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || !Number.isInteger(entry[1]) || entry[1] < 0) throw new Error('the byte index is malformed');
    const [name, length] = entry as [string, number];
    if (at + length > view.length || Object.hasOwn(message, name)) throw new Error('the byte index does not fit the frame');
    Object.defineProperty(message, name, { value: view.subarray(at, at + length), enumerable: true });
    at += length;
  }
  if (at !== view.length) throw new Error('the frame has bytes left over');
  return message;
}
