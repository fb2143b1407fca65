/** Opens CiphertextForRecipient with OpenSSL's own CMS: a decoder that has nothing in common with the encoder of the service. */
import { execFileSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @throws Error when the private key does not fit */
export function openEnvelope(privateKey: KeyObject, envelope: Uint8Array): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'chatelaine-envelope-'));
  try {
    const file = join(folder, 'key.pem');
    writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    return execFileSync('openssl', ['cms', '-decrypt', '-binary', '-inform', 'DER', '-inkey', file], { input: envelope, stdio: ['pipe', 'pipe', 'pipe'] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What OpenSSL reads in the envelope: its algorithms and versions as text. */
export function describeEnvelope(envelope: Uint8Array): string {
  return execFileSync('openssl', ['cms', '-cmsout', '-print', '-inform', 'DER'], { input: envelope, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}
