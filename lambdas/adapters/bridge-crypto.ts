/**
 * The Crypto port over the HSM bridge. The client certificate comes from Secrets Manager at first use, and again after the bridge refused the
 * connection: certificates are short-lived and are replaced while functions run.
 */
import * as z from 'zod';
import { type Crypto, CryptoError } from '#shared/ports/crypto.ts';
import { errorNames, logLine } from '../log-line.ts';

/** What the secret of a caller class holds: PEM texts. */
export const bridgeCertificateSchema = z.object({ ca: z.string().min(1), cert: z.string().min(1), key: z.string().min(1) });
export type BridgeCertificate = z.output<typeof bridgeCertificateSchema>;

export type ConnectedCrypto = Crypto & { close(): void };

export interface BridgeCryptoOptions {
  readonly loadSecret: () => Promise<string>;
  readonly connect: (certificate: BridgeCertificate) => ConnectedCrypto;
  readonly now?: () => number;
  /** Called with each certificate that was loaded. */
  readonly onLoaded?: (certificate: BridgeCertificate) => void;
}

const methods: Readonly<Record<keyof Crypto, true>> = {
  generateKey: true,
  rebindKey: true,
  importParameters: true,
  importKey: true,
  encrypt: true,
  decrypt: true,
  reEncrypt: true,
  generateDataKey: true,
  generateDataKeyPair: true,
  deriveSharedSecret: true,
  encapsulate: true,
  decapsulate: true,
  sign: true,
  verify: true,
  generateMac: true,
  verifyMac: true,
  getPublicKey: true,
  generateRandom: true,
  sealRows: true,
  checkSeals: true,
  signAudit: true,
  batch: true,
  deriveKey: true,
};
/** Between two looks at the secret, so that a bridge that is down does not become a load on Secrets Manager. */
const reloadPauseMs = 10_000;

export function createBridgeCrypto({ loadSecret, connect, now = Date.now, onLoaded }: BridgeCryptoOptions): Crypto {
  let connected: Promise<ConnectedCrypto> | undefined;
  let loadedAt = 0;

  async function load(): Promise<ConnectedCrypto> {
    loadedAt = now();
    let certificate: BridgeCertificate;
    try {
      certificate = bridgeCertificateSchema.parse(JSON.parse(await loadSecret()));
    } catch (cause) {
      // Names only: the message of a parser quotes what it read, which is the private key.
      logLine('error', { event: 'bridge-certificate-not-loaded', errors: errorNames(cause) });
      throw new CryptoError('unavailable', 'the certificate for the bridge cannot be had');
    }
    onLoaded?.(certificate);
    return connect(certificate);
  }

  function current(): Promise<ConnectedCrypto> {
    if (connected === undefined) {
      const loading = load();
      connected = loading;
      loading.catch(() => {
        if (connected === loading) connected = undefined;
      });
    }
    return connected;
  }

  async function call(method: keyof Crypto, args: readonly unknown[]): Promise<unknown> {
    const used = current();
    try {
      const client = await used;
      return await (client[method] as (...values: readonly unknown[]) => Promise<unknown>)(...args);
    } catch (error) {
      if (error instanceof CryptoError && error.code !== 'invalid-ciphertext') logLine('error', { event: 'bridge-call-failed', call: method, errors: errorNames(error) });
      const refused = error instanceof CryptoError && (error.code === 'unavailable' || error.code === 'forbidden');
      if (refused && connected === used && now() - loadedAt >= reloadPauseMs) {
        connected = undefined;
        // Calls under way on the old connection finish with it.
        used.then((client) => setTimeout(() => client.close(), 30_000).unref()).catch(() => undefined);
      }
      throw error;
    }
  }

  return Object.fromEntries(Object.keys(methods).map((method) => [method, (...args: unknown[]) => call(method as keyof Crypto, args)])) as unknown as Crypto;
}
