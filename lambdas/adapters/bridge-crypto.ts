/**
 * The Crypto port over the HSM bridge. The client certificate comes from Secrets Manager at first use, again every half hour, and again after the bridge
 * refused the connection: certificates are short-lived and are replaced long before they end, while functions run.
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
/** Well within the half of its life that a certificate is replaced before it ends, and the time that both authorities of a change-over are trusted. */
const refreshEveryMs = 30 * 60_000;
/** Calls under way on an old connection finish with it. */
const closeAfterMs = 30_000;
/** A second key would be made when the first answer was lost. */
const notRepeated: ReadonlySet<keyof Crypto> = new Set(['generateKey', 'importKey']);

interface Connected {
  readonly client: ConnectedCrypto;
  readonly secret: string;
}

export function createBridgeCrypto({ loadSecret, connect, now = Date.now, onLoaded }: BridgeCryptoOptions): Crypto {
  let connected: Promise<Connected> | undefined;
  let loadedAt = 0;

  async function load(previous?: Connected): Promise<Connected> {
    loadedAt = now();
    let certificate: BridgeCertificate;
    let secret: string;
    try {
      secret = await loadSecret();
      certificate = bridgeCertificateSchema.parse(JSON.parse(secret));
    } catch (cause) {
      // Names only: the message of a parser quotes what it read, which is the private key.
      logLine('error', { event: 'bridge-certificate-not-loaded', errors: errorNames(cause) });
      throw new CryptoError('unavailable', 'the certificate for the bridge cannot be had');
    }
    if (secret === previous?.secret) return previous;
    onLoaded?.(certificate);
    return { client: connect(certificate), secret };
  }

  function current(): Promise<Connected> {
    if (connected === undefined) {
      const loading = load();
      connected = loading;
      loading.catch(() => {
        if (connected === loading) connected = undefined;
      });
    } else if (now() - loadedAt >= refreshEveryMs) void replace(connected);
    return connected;
  }

  /** Looks at the secret again. What is in use stays in use when it is the same, or when none can be had. @returns whether there is another certificate now */
  async function replace(used: Promise<Connected>): Promise<boolean> {
    const previous = await used.catch(() => undefined);
    const next = await load(previous).catch(() => previous);
    if (next === undefined || next === previous) return false;
    if (connected === used) connected = Promise.resolve(next);
    if (previous !== undefined) setTimeout(() => previous.client.close(), closeAfterMs).unref();
    return true;
  }

  const run = async (used: Promise<Connected>, method: keyof Crypto, args: readonly unknown[]): Promise<unknown> =>
    ((await used).client[method] as (...values: readonly unknown[]) => Promise<unknown>)(...args);

  async function call(method: keyof Crypto, args: readonly unknown[]): Promise<unknown> {
    const used = current();
    try {
      return await run(used, method, args);
    } catch (error) {
      if (error instanceof CryptoError && error.code !== 'invalid-ciphertext') logLine('error', { event: 'bridge-call-failed', call: method, errors: errorNames(error) });
      const refused = error instanceof CryptoError && (error.code === 'unavailable' || error.code === 'forbidden');
      if (!refused) throw error;
      // Another call may have found the new certificate meanwhile.
      const replaced = connected !== used || (now() - loadedAt >= reloadPauseMs && (await replace(used)));
      if (!replaced || notRepeated.has(method)) throw error;
      return run(current(), method, args);
    }
  }

  return Object.fromEntries(Object.keys(methods).map((method) => [method, (...args: unknown[]) => call(method as keyof Crypto, args)])) as unknown as Crypto;
}
