import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRingMemory, RingReader, RingWriter } from '#bridge/lanes/ring.ts';

test('records come out whole, in order, however they wrap, and leave no byte behind', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 120 }), fc.constant('read' as const)), { maxLength: 200 }), (steps) => {
      const memory = createRingMemory(256);
      const writer = new RingWriter(memory);
      const reader = new RingReader(memory);
      const expected: Uint8Array[] = [];
      const read = () => {
        const record = reader.read(Buffer.alloc);
        const next = expected.shift();
        expect(record === undefined ? undefined : [...record]).toEqual(next === undefined ? undefined : [...next]);
      };

      for (const step of steps) {
        if (step === 'read') read();
        else if (writer.write(step.length, (target, at) => target.set(step, at))) expected.push(step);
      }
      while (expected.length > 0) read();

      expect(reader.read(Buffer.alloc)).toBeUndefined();
      const marks = Buffer.from([255, 255, 255, 255]);
      expect(Buffer.from(memory.bytes).toString('latin1').replaceAll(marks.toString('latin1'), '\0\0\0\0')).toBe('\0'.repeat(256));
    }),
  );
});

test('a record that can never fit is an error, not an endless wait', () => {
  const writer = new RingWriter(createRingMemory(256));

  expect(() => writer.write(200, () => {})).toThrow(RangeError);
});
