/** The certificates of the mutual TLS between the server and its bridge: made at the first start, renewed at a start shortly before they end. */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDir } from '../data-dir.ts';
import { writeFileDurably } from '../write-file-durably.ts';

export interface CertificatePaths {
  readonly authority: string;
  readonly bridge: { readonly certificate: string; readonly key: string };
  readonly client: { readonly certificate: string; readonly key: string };
}

const validDays = 825;
const renewDays = 30;
const dayMs = 86_400_000;

export async function prepareCertificates({ tlsDir }: DataDir, nowMs = Date.now()): Promise<CertificatePaths> {
  const at = (name: string): string => join(tlsDir, name);
  const paths: CertificatePaths = {
    authority: at('authority.pem'),
    bridge: { certificate: at('bridge.pem'), key: at('bridge-key.pem') },
    client: { certificate: at('client.pem'), key: at('client-key.pem') },
  };
  const ends = [paths.authority, paths.bridge.certificate, paths.client.certificate];
  const files = [...ends, paths.bridge.key, paths.client.key];
  if (files.every((file) => existsSync(file)) && ends.every((file) => isGood(file, paths.authority, nowMs))) return paths;
  mkdirSync(tlsDir, { recursive: true, mode: 0o700 });
  const { createAuthority, issue } = await import('#bridge/pki/certificates.ts');
  // The authority's key is forgotten: a renewal makes a new authority, and nobody else can have a certificate of the old one.
  const authority = await createAuthority({ name: 'Chatelaine single node', validDays });
  const bridge = await issue({ authority, kind: 'bridge', names: ['127.0.0.1', 'localhost'], validDays });
  const client = await issue({ authority, kind: 'client', callerClass: 'admin', validDays });
  writeFileDurably(paths.bridge.key, bridge.key, 0o600);
  writeFileDurably(paths.client.key, client.key, 0o600);
  writeFileDurably(paths.bridge.certificate, bridge.certificate, 0o600);
  writeFileDurably(paths.client.certificate, client.certificate, 0o600);
  writeFileDurably(paths.authority, authority.certificate, 0o600);
  return paths;
}

/** Of this authority, and lasting long enough. */
function isGood(file: string, authorityFile: string, nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(readFileSync(file));
    const authority = new X509Certificate(readFileSync(authorityFile));
    return certificate.verify(authority.publicKey) && certificate.validToDate.getTime() - nowMs > renewDays * dayMs;
  } catch {
    return false;
  }
}
