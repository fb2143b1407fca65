/**
 * The operations of the bridge and both messages of each (the frames that carry them: bridge-protocol.ts). The bridge checks every request against these
 * schemas. Clients, which go into every function, take the types alone.
 */
import * as z from 'zod';
import { dataKeyPairSpecs, encryptionAlgorithms, type KeySpec, macAlgorithms, signingAlgorithms } from '#shared/algorithms/key-specs.ts';
import { wrappingAlgorithms, wrappingKeySpecs } from '#shared/algorithms/wrapping.ts';
import { batchCallsMax, type CallerClass, callerClasses } from '#shared/bridge-protocol.ts';
import { base64Text, keyBindingShape, keyMaterialSchema } from '#shared/keys/material-schema.ts';
import { derivedKeyPurposes } from '#shared/ports/crypto.ts';

const bytes = (max: number, min = 0) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length >= min && value.length <= max, { message: `must be ${min} to ${max} bytes` });
const binding = z.strictObject(keyBindingShape);
const wholeHandle = z.strictObject({ binding, material: keyMaterialSchema });
/** Taken once and frozen since: the calls of a batch share the handles of their keys, and each is checked once. */
const taken = new WeakSet<object>();
const handle = z.custom<z.output<typeof wholeHandle>>(
  (value) => {
    if (typeof value !== 'object' || value === null) return false;
    if (taken.has(value)) return true;
    if (!wholeHandle.safeParse(value).success) return false;
    // The schema leaves nothing below these that is not text or a number.
    for (const part of [...Object.values(value), value]) Object.freeze(part);
    taken.add(value);
    return true;
  },
  { message: 'is not a key' },
);
const aad = bytes(1024).optional();
const side = z.strictObject({ key: handle, algorithm: z.enum(encryptionAlgorithms) });
const parts = { iv: bytes(16), ciphertext: bytes(6144, 1) };
const digest = base64Text(64);
const messageType = z.enum(['RAW', 'DIGEST', 'EXTERNAL_MU']);
const signing = { key: handle, algorithm: z.enum(signingAlgorithms), messageType, message: bytes(4096) };
const mac = { key: handle, algorithm: z.enum(macAlgorithms), message: bytes(4096, 1) };

const batchedCall = z.strictObject({ operation: z.string(), message: z.record(z.string(), z.unknown()) });

const operation = <Request extends z.ZodType, Reply extends z.ZodType>(classes: readonly CallerClass[], request: Request, reply: Reply) => ({ classes, request, reply });

const everyone = callerClasses;
const users = ['crypto', 'admin'] as const;
const makers = ['lifecycle', 'rotation', 'admin'] as const;
const importers = ['lifecycle', 'admin'] as const;
const { version: _, ...keyShape } = keyBindingShape;
const fingerprint = z.strictObject({ epoch: z.int().min(1).max(0xffffffff), value: z.string().regex(/^[0-9a-f]{64}$/) });

/** Operation → the caller classes that may call it, and both messages. The allow-list inside the bridge is this table. */
export const bridgeOperations = {
  'generate-key': operation(
    makers,
    z.strictObject({ binding, keySpec: keyMaterialSchema.shape.keySpec, keyUsage: keyMaterialSchema.shape.keyUsage, origin: keyMaterialSchema.shape.origin }),
    z.object({ material: keyMaterialSchema }),
  ),
  'rebind-key': operation(makers, z.strictObject({ key: handle, region: keyBindingShape.region }), z.object({ material: keyMaterialSchema })),
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
      known: z.array(fingerprint.extend({ version: keyBindingShape.version })).max(64),
      newVersion: keyBindingShape.version.optional(),
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
