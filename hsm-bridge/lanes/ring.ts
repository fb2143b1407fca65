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

const recordBytes = (length: number): number => (lengthBytes + length + 7) & ~7;

export class RingWriter {
  readonly #positions: Int32Array;
  readonly #bytes: Buffer;

  constructor({ positions, bytes }: RingMemory) {
    this.#positions = positions;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
    if (skipped > 0) this.#bytes.writeUInt32LE(skip, at);
    const start = skipped > 0 ? 0 : at;
    this.#bytes.writeUInt32LE(length, start);
    fill(this.#bytes, start + lengthBytes);
    Atomics.store(this.#positions, writtenAt, (written + skipped + needed) & positionMask);
    return true;
  }
}

export class RingReader {
  readonly #positions: Int32Array;
  readonly #bytes: Buffer;

  constructor({ positions, bytes }: RingMemory) {
    this.#positions = positions;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
    let length = this.#bytes.readUInt32LE(at);
    if (length === skip) {
      read = (read + capacity - at) & positionMask;
      at = 0;
      length = this.#bytes.readUInt32LE(0);
    }
    const record = allocate(length);
    this.#bytes.copy(record, 0, at + lengthBytes, at + lengthBytes + length);
    this.#bytes.fill(0, at, at + lengthBytes + length);
    Atomics.store(this.#positions, readAt, (read + recordBytes(length)) & positionMask);
    return record;
  }
}
