import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KmsError } from '#shared/errors.ts';
import { pageEnd, readMarker, writeMarker } from '#shared/fields/pagination.ts';

describe('page markers', () => {
  test('give back their position to their own list and to no other', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (list, position) => {
        const marker = writeMarker(list, position);

        expect(readMarker(list, marker)).toBe(position);
        expect(() => readMarker(`${list}x`, marker)).toThrow(KmsError);
      }),
    );
  });

  test('whatever a caller makes up is refused or a position of well-formed text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
        ),
        (text) => {
          try {
            expect(readMarker('list', text)?.isWellFormed()).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ code: 'InvalidMarkerException' });
          }
        },
      ),
    );
  });

  test('Truncated comes with NextMarker and never without', () => {
    expect(pageEnd('list', undefined)).toEqual({ Truncated: false });
    expect(pageEnd('list', 'x')).toEqual({ Truncated: true, NextMarker: writeMarker('list', 'x') });
  });
});
