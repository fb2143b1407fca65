/** The calls of the Crypto port that can be batched: the message each one sends and what it makes of the reply, alone and in a batch. */
import type { BatchableOperation } from '#shared/bridge-batch.ts';
import type { BridgeReply } from '#shared/bridge-messages.ts';
import type { Crypto, SealedParts } from '#shared/ports/crypto.ts';
import type { BatchableName } from '#shared/ports/crypto-batch.ts';

interface CallCodec<Name extends BatchableName, Operation extends BatchableOperation> {
  readonly operation: Operation;
  message(...parameters: Parameters<Crypto[Name]>): Record<string, unknown>;
  value(reply: BridgeReply<Operation>): Awaited<ReturnType<Crypto[Name]>>;
}

const codec = <Name extends BatchableName, const Operation extends BatchableOperation>(_: Name, definition: CallCodec<Name, Operation>) => definition;
const onlyParts = ({ iv, ciphertext }: SealedParts): SealedParts => ({ iv, ciphertext });

const callCodecs = {
  encrypt: codec('encrypt', {
    operation: 'encrypt',
    message: ({ key, algorithm, aad }, plaintext) => ({ side: { key, algorithm }, aad, plaintext }),
    value: onlyParts,
  }),
  decrypt: codec('decrypt', {
    operation: 'decrypt',
    message: ({ key, algorithm, aad }, parts) => ({ side: { key, algorithm }, aad, ...onlyParts(parts) }),
    value: ({ plaintext }) => plaintext,
  }),
  reEncrypt: codec('reEncrypt', {
    operation: 're-encrypt',
    message: (source, parts, destination) => ({
      source: { key: source.key, algorithm: source.algorithm },
      sourceAad: source.aad,
      ...onlyParts(parts),
      destination: { key: destination.key, algorithm: destination.algorithm },
      destinationAad: destination.aad,
    }),
    value: onlyParts,
  }),
  generateDataKey: codec('generateDataKey', {
    operation: 'generate-data-key',
    message: ({ key, algorithm, aad }, length, wantPlaintext) => ({ side: { key, algorithm }, aad, length, wantPlaintext }),
    value: ({ iv, ciphertext, plaintext }) => (plaintext === undefined ? { iv, ciphertext } : { iv, ciphertext, plaintext }),
  }),
  sign: codec('sign', {
    operation: 'sign',
    message: (key, algorithm, messageType, message) => ({ key, algorithm, messageType, message }),
    value: ({ signature }) => signature,
  }),
  verify: codec('verify', {
    operation: 'verify',
    message: (key, algorithm, messageType, message, signature) => ({ key, algorithm, messageType, message, signature }),
    value: ({ valid }) => valid,
  }),
  generateMac: codec('generateMac', { operation: 'generate-mac', message: (key, algorithm, message) => ({ key, algorithm, message }), value: ({ mac }) => mac }),
  verifyMac: codec('verifyMac', { operation: 'verify-mac', message: (key, algorithm, message, mac) => ({ key, algorithm, message, mac }), value: ({ valid }) => valid }),
  getPublicKey: codec('getPublicKey', { operation: 'get-public-key', message: (key) => ({ key }), value: ({ publicKey }) => publicKey }),
} as const satisfies Readonly<Record<BatchableName, unknown>>;

/** A codec with its types erased: the name and the parameters of a call belong together. */
interface AnyCodec {
  readonly operation: BatchableOperation;
  message(...parameters: readonly unknown[]): Record<string, unknown>;
  value(reply: unknown): unknown;
}

export const codecOf = (name: BatchableName): AnyCodec => callCodecs[name] as unknown as AnyCodec;
