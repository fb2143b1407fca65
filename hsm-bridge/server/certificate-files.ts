/** The bridge's certificate, its key and the authorities of its clients, in files that may be replaced while it runs. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { BridgeConfig } from '../config.ts';

/** PEM texts. */
export interface ServerCertificates {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthority: string;
}

export interface CertificateChange {
  /** What the server uses from now on. */
  readonly use: (certificates: ServerCertificates) => void;
  readonly log: (entry: Readonly<Record<string, unknown>>) => void;
}

const lookEveryMs = 30_000;

export class CertificateFiles {
  readonly #paths: BridgeConfig['tls'];
  #current: ServerCertificates;
  #timer: NodeJS.Timeout | undefined;
  #look: () => void = () => undefined;

  constructor(paths: BridgeConfig['tls']) {
    this.#paths = paths;
    this.#current = this.#read();
  }

  get current(): ServerCertificates {
    return this.#current;
  }

  /** Looks at the files now and then, and when it is told to. Files that do not work together leave things as they are. */
  follow({ use, log }: CertificateChange): void {
    this.#look = () => {
      try {
        const next = this.#read();
        if (same(next, this.#current)) return;
        createSecureContext({ cert: next.certificate, key: next.key, ca: next.clientAuthority });
        use(next);
        this.#current = next;
        log({ event: 'certificates-replaced', validTo: new X509Certificate(next.certificate).validToDate.toISOString() });
      } catch (error) {
        log({ event: 'certificates-refused', message: error instanceof Error ? error.message : 'unknown' });
      }
    };
    this.#timer = setInterval(this.#look, lookEveryMs).unref();
  }

  look(): void {
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #read(): ServerCertificates {
    const { certificate, key, clientAuthority } = this.#paths;
    return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8'), clientAuthority: readFileSync(clientAuthority, 'utf8') };
  }
}

const same = (a: ServerCertificates, b: ServerCertificates): boolean => a.certificate === b.certificate && a.key === b.key && a.clientAuthority === b.clientAuthority;
