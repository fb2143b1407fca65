import { AttestationFault } from './attestation-fault.ts';

/**
 * Reads CBOR (RFC 8949) whose shape is known beforehand: the caller says what comes next and how long it may be, and nothing is built that was not asked
 * for. Lengths are definite and in their shortest form (section 4.2.1), so that a document has one encoding only. Types that attestation documents do
 * not have (tags, floats, negative numbers, indefinite lengths) are never asked for, and so refused.
 */
export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  unsigned(what: string): number {
    return this.#head(0, what);
  }

  bytes(what: string, min: number, max: number): Uint8Array {
    return this.#take(this.#bounded(2, what, min, max), what);
  }

  text(what: string, min: number, max: number): string {
    const bytes = this.#take(this.#bounded(3, what, min, max), what);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new AttestationFault(`${what} is not UTF-8`);
    }
  }

  /** @returns how many elements follow */
  array(what: string, min: number, max: number): number {
    return this.#bounded(4, what, min, max);
  }

  /** @returns how many pairs follow */
  map(what: string, min: number, max: number): number {
    return this.#bounded(5, what, min, max);
  }

  /** Passes over the byte when it is the next one. */
  skip(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at += 1;
    return true;
  }

  end(what: string): void {
    if (this.#at !== this.#bytes.length) throw new AttestationFault(`there is more after ${what}`);
  }

  #bounded(major: number, what: string, min: number, max: number): number {
    const count = this.#head(major, what);
    if (count < min || count > max) throw new AttestationFault(`${what} has a length that is not from ${min} to ${max}`);
    return count;
  }

  #take(length: number, what: string): Uint8Array {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new AttestationFault(`${what} is cut short`);
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  #head(major: number, what: string): number {
    const first = this.#take(1, what)[0]!;
    if (first >> 5 !== major) throw new AttestationFault(`${what} is of another type`);
    const short = first & 31;
    if (short < 24) return short;
    if (short > 27) throw new AttestationFault(`${what} has no definite length`);
    const width = 2 ** (short - 24);
    const start = this.#at;
    this.#take(width, what);
    const value = width === 1 ? this.#view.getUint8(start) : width === 2 ? this.#view.getUint16(start) : width === 4 ? this.#view.getUint32(start) : this.#long(start, what);
    if (value < (width === 1 ? 24 : 2 ** (4 * width))) throw new AttestationFault(`${what} is not in its shortest form`);
    return value;
  }

  #long(start: number, what: string): number {
    const value = this.#view.getBigUint64(start);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new AttestationFault(`${what} is too large`);
    return Number(value);
  }
}
