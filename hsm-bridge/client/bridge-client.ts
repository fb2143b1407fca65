/** The Crypto port over the network. Small on purpose: it goes into every Lambda bundle. */
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { type BatchedCall, type BatchedResult, decodeBatchResults, encodeBatchCalls } from '#shared/bridge-batch.ts';
import type { BridgeOperationName, BridgeReply } from '#shared/bridge-messages.ts';
import { batchCallsMax, deadlineHeader, encodeFrame, frameBytesLimit } from '#shared/bridge-protocol.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { type Crypto, CryptoError } from '#shared/ports/crypto.ts';
import type { BatchableName, CryptoCall, CryptoOutcome } from '#shared/ports/crypto-batch.ts';
import { AnswerMalformed, type HttpReply } from './answer-reader.ts';
import { codecOf } from './batch-calls.ts';
import { AnswerLate } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import { isQuick } from './quick-calls.ts';
import { demandShape, malformed, readReply } from './replies.ts';

export interface BridgeClientOptions {
  /** `https://host:port` */
  readonly url: string;
  /** PEM texts. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The name that the bridge's certificate must carry, when it is not the host of `url`. */
  readonly servername?: string;
  /** Time for one call, retry included. */
  readonly deadlineMs?: number;
  readonly maxSockets?: number;
}

const deadlineDefaultMs = 5_000;
const retryAfterMs = 50;
/** Of the deadline, for one connection to come about: there is time for a second one, to another bridge behind the load balancer, and for the call. */
const connectShare = 0.4;
/** Key generation takes seconds for RSA_4096. */
const generateKeyMs = 20_000;
/** It may wait behind key generation. */
const importKeyMs = 20_000;

export function createBridgeClient(options: BridgeClientOptions): Crypto & { close(): void } {
  const { url, ca, cert, key, deadlineMs = deadlineDefaultMs, maxSockets = 64 } = options;
  const { hostname, host, port } = new URL(url);
  // RFC 6066 section 3: no IP address goes into SNI; the certificate is still checked against it.
  const servername = options.servername ?? (isIP(hostname) ? '' : hostname);
  const secureContext = createSecureContext({ ca, cert, key, minVersion: 'TLSv1.3' });
  const pool = new ConnectionPool({ host: hostname, port: Number(port || 443), servername, secureContext, connectWithinMs: deadlineMs * connectShare }, maxSockets);

  const send = async (operation: BridgeOperationName, frame: Buffer, deadlineAt: number, alone: boolean): Promise<HttpReply> => {
    const bytes = () => requestBytes(operation, host, frame, Math.floor(deadlineAt - performance.now()));
    try {
      return await pool.send({ bytes, deadlineAt, replyBytesMax: frameBytesLimit(operation), alone });
    } catch (cause) {
      if (cause instanceof AnswerLate) throw timedOut();
      if (cause instanceof AnswerMalformed) throw malformed();
      throw new CryptoError('unavailable', 'no answer from the bridge', { cause });
    }
  };

  const call = async <Name extends BridgeOperationName>(operation: Name, message: Readonly<Record<string, unknown>>, budgetMs = deadlineMs): Promise<BridgeReply<Name>> => {
    const deadlineAt = performance.now() + budgetMs;
    const body = encodeFrame(message);
    const alone = !isQuick(operation, message);
    try {
      return await withRetry(operation, deadlineAt, async () => readReply(operation, await send(operation, body, deadlineAt, alone)));
    } finally {
      body.fill(0);
    }
  };

  const one = async <Name extends BatchableName>(name: Name, given: Parameters<Crypto[Name]>): Promise<Awaited<ReturnType<Crypto[Name]>>> => {
    const codec = codecOf(name);
    return codec.value(await call(codec.operation, codec.message(...given))) as Awaited<ReturnType<Crypto[Name]>>;
  };

  return {
    close: () => pool.close(),
    generateKey: async (request) => (await call('generate-key', { ...request }, Math.max(deadlineMs, generateKeyMs))).material as KeyMaterial,
    rebindKey: async (key, region) => (await call('rebind-key', { key, region })).material as KeyMaterial,
    importParameters: (request) => call('import-parameters', { ...request }, Math.max(deadlineMs, generateKeyMs)),
    importKey: async (request) => {
      const { material, fingerprint } = await call('import-key', { ...request }, Math.max(deadlineMs, importKeyMs));
      return { material: material as KeyMaterial, fingerprint };
    },
    encrypt: (...given) => one('encrypt', given),
    decrypt: (...given) => one('decrypt', given),
    reEncrypt: (...given) => one('reEncrypt', given),
    generateDataKey: (...given) => one('generateDataKey', given),
    generateDataKeyPair: async ({ key: handle, algorithm, aad }, keyPairSpec, wantPlaintext) => {
      const message = { side: { key: handle, algorithm }, aad, keyPairSpec, wantPlaintext };
      const { iv, ciphertext, publicKey, privateKey } = await call('generate-data-key-pair', message, Math.max(deadlineMs, generateKeyMs));
      return privateKey === undefined ? { iv, ciphertext, publicKey } : { iv, ciphertext, publicKey, privateKey };
    },
    deriveSharedSecret: async (handle, publicKey) => (await call('derive-shared-secret', { key: handle, publicKey })).sharedSecret,
    encapsulate: async (handle) => {
      const { sharedSecret, ciphertext } = await call('encapsulate', { key: handle });
      return { sharedSecret, ciphertext };
    },
    decapsulate: async (handle, ciphertext) => (await call('decapsulate', { key: handle, ciphertext })).sharedSecret,
    sign: (...given) => one('sign', given),
    verify: (...given) => one('verify', given),
    generateMac: (...given) => one('generateMac', given),
    verifyMac: (...given) => one('verifyMac', given),
    getPublicKey: (...given) => one('getPublicKey', given),
    batch: (calls) => sendBatches(calls, (message) => call('batch', message)),
    generateRandom: async (length) => (await call('generate-random', { length })).random,
    sealRows: async (digests) => (await call('seal-rows', { digests })).seals,
    checkSeals: async (rows) => {
      const { valid } = await call('check-seals', { rows });
      if (valid.length !== rows.length) throw malformed();
      return valid;
    },
    signAudit: async (digest) => (await call('sign-audit', { digest })).signature,
    deriveKey: async (purpose) => (await call('derive-key', { purpose })).key,
  };
}

/** @throws AnswerLate when there is no time left. */
function requestBytes(operation: BridgeOperationName, host: string, frame: Buffer, budgetMs: number): Buffer {
  if (budgetMs < 1) throw new AnswerLate('no time is left');
  const head = `POST /v1/${operation} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${frame.length}\r\n${deadlineHeader}: ${budgetMs}\r\n\r\n`;
  const request = Buffer.allocUnsafeSlow(head.length + frame.length);
  request.write(head, 'latin1');
  request.set(frame, head.length);
  return request;
}

/** A second try only where the first cannot have had an effect that matters: every operation but the one that makes a key. */
async function withRetry<T>(operation: BridgeOperationName, deadlineAt: number, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const retryable = error instanceof CryptoError && (error.code === 'busy' || error.code === 'unavailable');
    if (!retryable || operation === 'generate-key' || performance.now() + retryAfterMs >= deadlineAt) throw error;
  }
  await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
  return attempt();
}

/** As many frames as the calls need: one, unless there are more than 100 of them. A frame that was not answered fails its own calls, and all fail together when none was. */
async function sendBatches(calls: readonly CryptoCall[], send: (message: Record<string, unknown>) => Promise<Record<string, unknown>>): Promise<readonly CryptoOutcome[]> {
  const frames = Array.from({ length: Math.ceil(calls.length / batchCallsMax) }, (_, at) => calls.slice(at * batchCallsMax, (at + 1) * batchCallsMax));
  const answers = await Promise.allSettled(frames.map(async (frame) => readBatch(frame, await send(encodeBatchCalls(frame.map(toMessage))))));
  const lost = answers.find((answer) => answer.status === 'rejected');
  if (lost !== undefined && answers.every((answer) => answer.status === 'rejected')) throw lost.reason;
  return answers.flatMap((answer, at) => (answer.status === 'fulfilled' ? answer.value : frames[at]!.map(() => ({ error: answer.reason as CryptoError }))));
}

const toMessage = ({ name, parameters }: CryptoCall): BatchedCall => {
  const { operation, message } = codecOf(name);
  return { operation, message: (message as (...given: readonly unknown[]) => Record<string, unknown>)(...parameters) };
};

function readBatch(calls: readonly CryptoCall[], frame: Record<string, unknown>): CryptoOutcome[] {
  let results: BatchedResult[];
  try {
    results = decodeBatchResults(frame, calls.length);
  } catch {
    throw malformed();
  }
  return results.map((result, at): CryptoOutcome => {
    if (result.error !== undefined) return { error: result.error };
    const { operation, value } = codecOf(calls[at]!.name);
    demandShape(operation, result.reply);
    return { value: value(result.reply as never) };
  });
}

const timedOut = (): CryptoError => new CryptoError('timeout', 'the bridge did not answer in time');
