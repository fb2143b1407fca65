import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { additionalData, canonicalContext, decodeBlob, encodeBlob, encodeHeader, headerBytes, ivBytes, tagBytes } from '#shared/ciphertext/blob.ts';

const keyId = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => `mrk-${id.replaceAll('-', '')}`),
);
const header = fc.record({ keyId, keyVersion: fc.integer({ min: 1, max: 0xffffffff }) });
const parts = fc.record({
  iv: fc.uint8Array({ minLength: ivBytes, maxLength: ivBytes }),
  ciphertext: fc.uint8Array({ minLength: tagBytes + 1, maxLength: 200 }),
});
const wellFormed = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed());
const context = fc.dictionary(wellFormed, wellFormed, { maxKeys: 6 });

describe('ciphertext blobs', () => {
  test('what was encoded is what is decoded', () => {
    fc.assert(
      fc.property(header, parts, (head, sealed) => {
        const bytes = encodeHeader(head);

        const decoded = decodeBlob(encodeBlob(bytes, sealed))!;

        expect(decoded.header).toEqual(head);
        expect(Buffer.from(decoded.headerBytes)).toEqual(Buffer.from(bytes));
        expect(Buffer.from(decoded.parts.iv)).toEqual(Buffer.from(sealed.iv));
        expect(Buffer.from(decoded.parts.ciphertext)).toEqual(Buffer.from(sealed.ciphertext));
      }),
    );
  });

  test('the header of a key and version is the same bytes every time, and of another key or version others', () => {
    fc.assert(
      fc.property(header, header, (one, other) => {
        const same = one.keyId === other.keyId && one.keyVersion === other.keyVersion;

        expect(Buffer.from(encodeHeader(one)).equals(encodeHeader(other))).toBe(same);
      }),
    );
  });

  test('no bytes make it throw, and what it takes it can write again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const decoded = decodeBlob(bytes);

        if (decoded !== undefined) expect(Buffer.from(encodeBlob(encodeHeader(decoded.header), decoded.parts))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  test('a blob that is shorter than its fixed parts and one byte is none', () => {
    const whole = Buffer.alloc(headerBytes + ivBytes + tagBytes + 1, 1);
    expect(decodeBlob(whole)).toBeDefined();

    for (let length = 0; length < whole.length; length += 1) expect(decodeBlob(whole.subarray(0, length))).toBeUndefined();
  });

  test('an unknown format, an unknown algorithm and version 0 are refused', () => {
    const whole = Buffer.alloc(60, 1);
    for (let format = 0; format < 256; format += 1) expect(decodeBlob(Buffer.from(whole).fill(format, 0, 1)) !== undefined).toBe(format === 1);
    for (let algorithm = 0; algorithm < 256; algorithm += 1) expect(decodeBlob(Buffer.from(whole).fill(algorithm, 1, 2)) !== undefined).toBe([0x01, 0x81].includes(algorithm));

    expect(decodeBlob(Buffer.from(whole).fill(0, 18, 22))).toBeUndefined();
  });
});

describe('the canonical form of an encryption context', () => {
  test('does not depend on the order of the pairs', () => {
    fc.assert(
      fc.property(context, (pairs) => {
        const reversed = Object.fromEntries(Object.entries(pairs).toReversed());

        expect(canonicalContext(reversed)).toEqual(canonicalContext(pairs));
      }),
    );
  });

  test('is different for different contexts', () => {
    const sorted = (pairs: Record<string, string>): string => JSON.stringify(Object.entries(pairs).toSorted(([a], [b]) => (a < b ? -1 : 1)));

    fc.assert(
      fc.property(context, context, (one, other) => {
        expect(Buffer.from(canonicalContext(one)).equals(canonicalContext(other))).toBe(sorted(one) === sorted(other));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    [{ a: 'bc' }, { ab: 'c' }],
    [{ a: '', b: '' }, { a: 'b' }],
    [{ a: '' }, {}],
    [
      { a: 'x', b: 'y' },
      { a: 'y', b: 'x' },
    ],
    [{ A: 'x' }, { a: 'x' }],
    [{ '\u00e9': 'x' }, { 'e\u0301': 'x' }],
  ])('%j and %j differ', (one, other) => {
    expect(canonicalContext(one)).not.toEqual(canonicalContext(other));
  });

  test('an absent context is an empty one', () => {
    expect(canonicalContext(undefined)).toEqual(canonicalContext({}));
  });

  test('keys are sorted by their UTF-8 bytes, not by UTF-16 units', () => {
    const last = Buffer.from('\u{1f600}');

    const bytes = Buffer.from(canonicalContext({ '\u{1f600}': '', '\uffff': '' }));

    expect(bytes.indexOf(last)).toBeGreaterThan(bytes.indexOf(Buffer.from('\uffff')));
  });

  test('the additional data holds the header and differs with the context', () => {
    const head = encodeHeader({ keyId: 'aaaaaaaa-0000-0000-0000-000000000000', keyVersion: 3 });

    const one = Buffer.from(additionalData(head, { a: 'b' }));
    const other = Buffer.from(additionalData(head, { a: 'c' }));

    expect(one.includes(Buffer.from(head))).toBe(true);
    expect(one.equals(other)).toBe(false);
    expect(one).toHaveLength(14 + headerBytes + 32);
  });
});
