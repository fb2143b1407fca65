/**
 * A queue of byte records in shared memory, with one writer thread and one reader thread. postMessage costs a third of a core at 10,000 jobs a
 * second (docs/adr/0015); this costs two copies. Positions only grow, modulo 2^30; records are contiguous and 8-byte aligned.
 *   record = u32 length | bytes       length 0xffffffff = skip to the start of the buffer
 */
const positionMask = 2 ** 30 - 1;
const skip = 0xffffffff;
const lengthBytes = 4;
const readAt = 0;
const writtenAt = 1;

export interface RingMemory {
  readonly positions: Int32Array;
  /** A power of two. */
  readonly bytes: Uint8Array;
}

/** @param capacityBytes rounded up to a power of two. Records up to half of it always fit an empty ring. */
export function createRingMemory(capacityBytes: number): RingMemory {
  const capacity = 2 ** Math.ceil(Math.log2(capacityBytes));
  return { positions: new Int32Array(new SharedArrayBuffer(8)), bytes: new Uint8Array(new SharedArrayBuffer(capacity)) };
}

/** Records begin at multiples of 8, with their length. */
const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);

const recordBytes = (length: number): number => (lengthBytes + length + 7) & ~7;

export class RingWriter {
  readonly #positions: Int32Array;
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;

  constructor({ positions, bytes }: RingMemory) {
    this.#positions = positions;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#words = wordsOf(bytes);
  }

  /** @returns false when there is no room now. @throws RangeError when there never will be. */
  write(length: number, fill: (target: Buffer, at: number) => void): boolean {
    const capacity = this.#bytes.length;
    const needed = recordBytes(length);
    if (needed > capacity / 2) throw new RangeError('the record is too long for the ring');
    const written = Atomics.load(this.#positions, writtenAt);
    const used = (written - Atomics.load(this.#positions, readAt)) & positionMask;
    const at = written & (capacity - 1);
    const toEnd = capacity - at;
    const skipped = needed > toEnd ? toEnd : 0;
    if (used + skipped + needed > capacity) return false;
    if (skipped > 0) this.#words[at / 4] = skip;
    const start = skipped > 0 ? 0 : at;
    this.#words[start / 4] = length;
    fill(this.#bytes, start + lengthBytes);
    Atomics.store(this.#positions, writtenAt, (written + skipped + needed) & positionMask);
    return true;
  }
}

export class RingReader {
  readonly #positions: Int32Array;
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;
  /** Shared memory is written an element at a time: eight bytes each cost an eighth. */
  readonly #eights: Float64Array;

  constructor({ positions, bytes }: RingMemory) {
    this.#positions = positions;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#words = wordsOf(bytes);
    this.#eights = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  }

  /**
   * Copies the next record into what `allocate` gives, then wipes it from the ring: records hold secrets.
   * @returns undefined when the ring is empty.
   */
  read(allocate: (length: number) => Buffer): Buffer | undefined {
    const capacity = this.#bytes.length;
    let read = Atomics.load(this.#positions, readAt);
    if (read === Atomics.load(this.#positions, writtenAt)) return undefined;
    let at = read & (capacity - 1);
    let length = this.#words[at / 4] as number;
    if (length === skip) {
      read = (read + capacity - at) & positionMask;
      at = 0;
      length = this.#words[0] as number;
    }
    const record = allocate(length);
    this.#bytes.copy(record, 0, at + lengthBytes, at + lengthBytes + length);
    this.#eights.fill(0, at / 8, (at + recordBytes(length)) / 8);
    Atomics.store(this.#positions, readAt, (read + recordBytes(length)) & positionMask);
    return record;
  }
}
