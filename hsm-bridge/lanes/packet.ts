/**
 * Jobs and answers between the threads: byte fields in one flat buffer, which is moved, not cloned.
 *   packet = u32 id | u16 tag | u16 count | u32 length × count | fields
 */
const headerBytes = 8;
/** From here on `fill`, which is one copy of memory, is faster than `set`, which writes shared memory byte by byte unless both sides are aligned alike. */
const longBytes = 256;

export function packetBytes(fields: readonly Uint8Array[]): number {
  let length = headerBytes + 4 * fields.length;
  for (const field of fields) length += field.length;
  return length;
}

/** @returns where the next packet goes. */
export function writePacket(target: Buffer, at: number, id: number, tag: number, fields: readonly Uint8Array[]): number {
  target.writeUInt32LE(id, at);
  target.writeUInt16LE(tag, at + 4);
  target.writeUInt16LE(fields.length, at + 6);
  let lengthAt = at + headerBytes;
  let next = lengthAt + 4 * fields.length;
  for (const field of fields) {
    target.writeUInt32LE(field.length, lengthAt);
    if (field.length < longBytes) target.set(field, next);
    else target.fill(field, next, next + field.length);
    lengthAt += 4;
    next += field.length;
  }
  return next;
}

export interface Packet {
  readonly id: number;
  readonly tag: number;
  /** Views into the buffer that was read. */
  readonly fields: Buffer[];
  readonly next: number;
}

/** @param view makes the views. */
export function readPacket(source: Buffer, at: number, view = (start: number, length: number): Buffer => source.subarray(start, start + length)): Packet {
  const count = source.readUInt16LE(at + 6);
  const fields = new Array<Buffer>(count);
  let next = at + headerBytes + 4 * count;
  for (let i = 0; i < count; i++) {
    const length = source.readUInt32LE(at + headerBytes + 4 * i);
    fields[i] = view(next, length);
    next += length;
  }
  return { id: source.readUInt32LE(at), tag: source.readUInt16LE(at + 4), fields, next };
}
