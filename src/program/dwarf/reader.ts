/** Little-endian fields of a debug section, with bounds: the encodings of DWARF 5, section 7. */

/** What is wrong with debug information, and where. Each reader of a section catches it; it never leaves this folder. */
export class DwarfProblem extends Error {}

/** The message of a problem; anything else is a defect of ours and is thrown on. */
export function problemText(error: unknown): string {
  if (error instanceof DwarfProblem) return error.message;
  throw error;
}

/** `unit_length` with the format it announces (DWARF 5, 7.4): 64-bit DWARF has 8-byte offsets. */
export interface InitialLength {
  bytes: number;
  wide: boolean;
}

const ESCAPE_64 = 0xffffffff;
const FIRST_RESERVED = 0xfffffff0;

export class DwarfReader {
  private readonly view: DataView;

  /** Reads [at, end) of `data`. `section` is its name, for messages. */
  constructor(
    readonly data: Uint8Array,
    readonly section: string,
    public at = 0,
    readonly end = data.length,
  ) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    if (!(at >= 0 && at <= end && end <= data.length))
      this.fail(`refers to offset 0x${at.toString(16)}, outside of it`);
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  fail(what: string, at = this.at): never {
    throw new DwarfProblem(`${this.section} at offset 0x${at.toString(16)}: ${what}`);
  }

  /** Moves on by `bytes`, and gives where it was. */
  skip(bytes: number): number {
    const at = this.at;
    if (!(bytes >= 0) || bytes > this.end - at) this.fail('it ends in the middle of a field');
    this.at = at + bytes;
    return at;
  }

  u8(): number {
    return this.data[this.skip(1)];
  }
  s8(): number {
    return this.view.getInt8(this.skip(1));
  }
  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }
  u24(): number {
    const at = this.skip(3);
    return this.data[at] | (this.data[at + 1] << 8) | (this.data[at + 2] << 16);
  }
  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes. */
  unsigned(bytes: number): bigint {
    if (bytes === 8) return this.u64();
    if (bytes === 4) return BigInt(this.u32());
    if (bytes === 2) return BigInt(this.u16());
    if (bytes === 1) return BigInt(this.u8());
    return this.fail(`a number of ${bytes} bytes`);
  }

  /** A section offset or a length: 4 bytes, or 8 in 64-bit DWARF. */
  offset(wide: boolean): number {
    if (!wide) return this.u32();
    const at = this.at;
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail('an offset beyond any file', at);
    return Number(value);
  }

  /** As `offset`, but whatever its value: it may be a mark. */
  offset32Or64(wide: boolean): bigint {
    return wide ? this.u64() : BigInt(this.u32());
  }

  initialLength(): InitialLength {
    const at = this.at;
    const first = this.u32();
    const wide = first === ESCAPE_64;
    if (!wide && first >= FIRST_RESERVED) this.fail(`the reserved length 0x${first.toString(16)}`, at);
    return { bytes: wide ? this.offset(true) : first, wide };
  }

  /** Unsigned LEB128 that is a count, an index or an offset. */
  uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (!(byte & 0x80)) break;
      scale *= 128;
    }
    // (Not a number, when hundreds of padding bytes have made the scale infinite.)
    if (!(value <= Number.MAX_SAFE_INTEGER)) this.fail('a number beyond any file');
    return value;
  }

  /** Unsigned LEB128 of up to 64 bits; more are cut. */
  ulebBig(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      if (!(byte & 0x80)) return BigInt.asUintN(64, value);
    }
  }

  /** Signed LEB128 of up to 64 bits; more are cut. */
  slebBig(): bigint {
    let value = 0n;
    for (let shift = 0n; ;) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte & 0x80) continue;
      return BigInt.asIntN(64, byte & 0x40 && shift < 64n ? value - (1n << shift) : value);
    }
  }

  /** Signed LEB128 that is a difference of lines or of addresses. */
  sleb(): number {
    return Number(this.slebBig());
  }

  bytes(length: number): Uint8Array {
    const at = this.skip(length);
    return this.data.subarray(at, at + length);
  }

  /** Text with a zero at its end. */
  text(): string {
    const at = this.at;
    const end = this.data.indexOf(0, at);
    if (end < 0 || end >= this.end) this.fail('a text without an end');
    this.at = end + 1;
    return utf8(this.data.subarray(at, end));
  }

  /** A reader of the next `length` bytes, which this one skips. */
  part(length: number): DwarfReader {
    const at = this.skip(length);
    return new DwarfReader(this.data, this.section, at, at + length);
  }
}

/** UTF-8 as text; bytes that are none become U+FFFD. (This layer must not name a platform's decoder.) */
export function utf8(data: Uint8Array): string {
  let text = '';
  for (let at = 0; at < data.length;) {
    const first = data[at++];
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xf0 && first < 0xf8 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;
    let value = more ? first & (0x3f >> more) : -1;
    for (let n = 0; n < more && value >= 0; n++) {
      const next = data[at];
      if ((next & 0xc0) !== 0x80) value = -1;
      else {
        value = (value << 6) | (next & 0x3f);
        at++;
      }
    }
    text += value < 0 || value > 0x10ffff || first >= 0xf8 ? '\ufffd' : String.fromCodePoint(value);
  }
  return text;
}
