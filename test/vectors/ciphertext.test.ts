import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { additionalData, decodeBlob } from '#shared/ciphertext/blob.ts';
import type { KeyMaterial } from '#shared/keys/material.ts';
import { createSoftwareCrypto } from '#test/support/software-crypto.ts';

interface Fixture {
  readonly kek: string;
  readonly mac: string;
  readonly material: readonly KeyMaterial[];
  readonly ciphertexts: readonly {
    readonly keyId: string;
    readonly version: number;
    readonly context?: Record<string, string>;
    readonly plaintext: string;
    readonly blob: string;
  }[];
}

const fixture = JSON.parse(readFileSync(new URL('./data/ciphertext/format-1.json', import.meta.url), 'utf8')) as Fixture;
const crypto = createSoftwareCrypto({ kek: Buffer.from(fixture.kek, 'hex'), mac: Buffer.from(fixture.mac, 'hex') });

describe('ciphertexts of format 1 decrypt for ever', () => {
  test('the file has some', () => {
    expect(fixture.ciphertexts.length).toBeGreaterThanOrEqual(4);
  });

  test.each(fixture.ciphertexts)('$keyId version $version with $context', async ({ keyId, version, context, plaintext, blob }) => {
    const decoded = decodeBlob(Buffer.from(blob, 'base64'))!;
    const material = fixture.material.find((row) => row.keyId === keyId && row.version === version)!;
    const { account, region } = material;
    const side = { key: { binding: { account, region, keyId, version }, material }, algorithm: 'SYMMETRIC_DEFAULT', aad: additionalData(decoded.headerBytes, context) } as const;

    const opened = await crypto.decrypt(side, decoded.parts);

    expect(decoded.header).toEqual({ keyId, keyVersion: version });
    expect(Buffer.from(opened).toString()).toBe(plaintext);
  });
});
