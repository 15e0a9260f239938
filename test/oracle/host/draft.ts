/** One case in the making: an instruction's encoding, and the state that it finds. */
import * as Layout from './layout';
import { Random } from '../../random';
import { FxImage } from './fx';

export type Width = 8 | 16 | 32 | 64;
export type Place =
  | { kind: 'register'; number: number; width: number; high: boolean }
  /** `at` counts bytes from DATA. */
  | { kind: 'memory'; at: number; width: number };

export interface MemoryOptions {
  /** Bytes from DATA; random without it. */
  at?: number;
  /** First bytes that may be chosen (random `at`), and how many. */
  from?: number;
  room?: number;
  /** LOCK across cache lines is slow or trapped on some hosts. */
  sameLine?: boolean;
  /** Never an address that faults. */
  canonical?: boolean;
}

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;

/** CF PF AF ZF SF DF OF and ID: what a case may find set. */
const FLAGS_CHOSEN = 0x200cd5n;
/** Bit 1 is always set, IF is set in any program. */
const FLAGS_ALWAYS = 0x202n;
/** Operands of memory below this byte of the data; the stack is above. */
export const OPERANDS = 320;
const LINE = 64;

export class Draft {
  readonly registers: bigint[];
  /** Registers whose value the instruction's address or operands depend on. */
  readonly fixed = new Set<number>();
  readonly data = new Uint8Array(Layout.DATA_BYTES);
  readonly fx: FxImage;
  readonly entry: number;
  flags: bigint;
  /** Key of the table of undefined flags; also what messages count by. */
  operation = '';
  /** Of a shift, masked. */
  count = 0;
  width: Width = 32;
  /** The SDM leaves the destination undefined too. */
  undefinedResult = false;
  /** The instruction shows all flags to the program: what came before must not leave undefined ones. */
  showsFlags = false;

  rex: boolean;
  private readonly legacy = new Set<number>();

  private rexBits = 0;
  private vexPrefix: { map: number; pp: number; vvvv: number } | undefined;
  private opcodeBytes: number[] = [];
  private modrm: number | undefined;
  private sib: number | undefined;
  private displacement: { bytes: number; value: bigint; relative: boolean } | undefined;
  private immediateBytes: number[] = [];
  private prelude: number[] = [];
  /** What remains to be set when the encoding is complete. */
  private readonly last: (() => void)[] = [];
  private readonly dataView = new DataView(this.data.buffer);

  constructor(readonly random: Random) {
    this.registers = Array.from({ length: 16 }, () => random.operand());
    for (let n = 0; n < this.data.length; n += 8) this.dataView.setBigUint64(n, random.operand(), true);
    this.flags = (random.u64() & FLAGS_CHOSEN) | FLAGS_ALWAYS;
    this.entry = Layout.ENTRY + random.below(Layout.ENTRIES);
    this.rex = random.chance(0.6);
    this.fx = new FxImage(random);
  }

  /** The result is an estimate (RCPPS): lanes of 4 bytes are compared with the manual's bound of the error. */
  estimate = false;
  /** Processors differ in whether the x87 tags change. */
  mayEnterMmx = false;
  /** x87 results are compared within a unit in the last place. */
  series = false;
  /** Bytes of the data, from its beginning, that processors may fill differently. */
  readonly ignored: { at: number; bytes: number }[] = [];

  // -- encoding

  opcode(...bytes: number[]): void {
    this.opcodeBytes = bytes;
  }
  prefix(byte: number): void {
    this.legacy.add(byte);
  }
  lock(): void {
    this.prefix(0xf0);
  }
  /** Chooses an operand width and its prefixes. */
  sized(widths: readonly Width[] = [8, 16, 32, 64]): Width {
    this.width = this.random.pick(widths);
    if (this.width === 16) this.prefix(0x66);
    if (this.width === 64) {
      this.rex = true;
      this.rexBits |= 8;
    }
    return this.width;
  }
  /** Low bit of most opcodes. */
  get wide(): number {
    return this.width === 8 ? 0 : 1;
  }
  immediate(value: bigint | number, bytes: number): void {
    const v = BigInt.asUintN(64, BigInt(value));
    for (let n = 0; n < bytes; n++) this.immediateBytes.push(Number((v >> BigInt(8 * n)) & 0xffn));
  }
  /** Immediate of the operand width, at most 32 bits. */
  immediateOf(width: Width): bigint {
    const value = this.random.operand();
    this.immediate(value, Math.min(width, 32) / 8);
    return value;
  }
  /** A VEX prefix instead of legacy ones and REX: opcode map 1-3, implied prefix 0-3, second source register. */
  vex(map: number, pp: number, vvvv = 0): void {
    this.vexPrefix = { map, pp, vvvv };
    this.rex = true;
  }
  /** REX.W or VEX.W. */
  wideRegisters(): void {
    this.rexBits |= 8;
  }
  /** A register for VEX.vvvv. */
  secondRegister(): number {
    return this.random.below(16);
  }
  private anyRegister(): number {
    return this.random.below(this.rex ? 16 : 8);
  }
  /** The register `number` as an operand: without REX, 4 to 7 are AH CH DH BH. */
  place(number: number, width: number): Place {
    const high = width === 8 && !this.rex && number >= 4;
    return { kind: 'register', number: high ? number - 4 : number, width, high };
  }
  /** An operand in the reg field. */
  reg(width: Width = this.width, number = this.anyRegister()): Place {
    this.modrm = (this.modrm ?? 0) | ((number & 7) << 3);
    if (number & 8) this.rexBits |= 4;
    return this.place(number, width);
  }
  /** An opcode extension in the reg field. */
  extension(value: number): void {
    this.modrm = (this.modrm ?? 0) | (value << 3);
  }
  /** An operand in the rm field: register or memory. */
  rm(width: number = this.width, options: MemoryOptions = {}): Place {
    return this.random.chance(0.45) ? this.rmRegister(width) : this.memory(width, options);
  }
  rmRegister(width: number = this.width, number = this.anyRegister()): Place {
    this.modrm = (this.modrm ?? 0) | 0xc0 | (number & 7);
    if (number & 8) this.rexBits |= 1;
    return this.place(number, width);
  }
  /** A register in the low bits of the opcode. */
  opcodeRegister(width: Width = this.width, number = this.anyRegister()): Place {
    this.opcodeBytes[this.opcodeBytes.length - 1] |= number & 7;
    if (number & 8) this.rexBits |= 1;
    return this.place(number, width);
  }

  /** A memory operand by a random addressing form, whose registers are set so that it lies in the data. */
  memory(width: number, options: MemoryOptions = {}): Place {
    const bytes = width / 8;
    const { random } = this;
    const from = options.from ?? 0;
    const room = options.room ?? OPERANDS - from;
    let at = options.at ?? from + random.below(room - bytes + 1);
    const boundary = 0x1000 - (Layout.DATA & 0xfff);
    if (
      options.at === undefined &&
      random.chance(0.1) &&
      bytes > 1 &&
      from < boundary &&
      from + room > boundary + bytes
    )
      at = boundary - 1 - random.below(bytes - 1);
    if (options.sameLine) {
      const line = (Layout.DATA + at) & ~(LINE - 1);
      at = Math.min(at, line + LINE - bytes - Layout.DATA);
    }
    const short = random.chance(0.15);
    if (short) this.prefix(0x67);
    this.point(BigInt(Layout.DATA + at), short, options.canonical ?? false);
    return { kind: 'memory', at, width };
  }

  /** Encodes an address of `target`; `short`: 32-bit registers. */
  private point(target: bigint, short: boolean, canonical: boolean): void {
    const { random } = this;
    const bits = short ? 32 : 64;
    const wrap = (value: bigint): bigint => BigInt.asUintN(bits, value);
    const junk = (): bigint => (short ? random.u64() & ~0xffffffffn : 0n);
    while (true) {
      const form = random.pick(['base', 'base', 'base+index', 'base+index', 'index', 'relative', 'absolute'] as const);
      if (form === 'relative' || form === 'absolute') {
        this.displacement = { bytes: 4, value: target, relative: form === 'relative' };
        if (form === 'relative') this.setRm(0, 5);
        else this.setRm(0, 4, 0x25);
        return;
      }
      const base = this.anyRegister();
      const index = this.anyRegister();
      const scaleBits = random.below(4);
      const scale = 1n << BigInt(scaleBits);
      const withIndex = form !== 'base';
      if (withIndex && index === 4) continue;
      let displacement = random.pick([0n, BigInt.asIntN(8, random.u64()), BigInt.asIntN(32, random.u64())]);
      const hasBase = form !== 'index';
      const free = (n: number): boolean => !this.fixed.has(n);
      if (withIndex && hasBase && base === index) {
        // An odd multiple has an inverse modulo 2^n; base + index * 1 does not.
        if (!free(base) || scale === 1n) continue;
        this.registers[base] = wrap((target - displacement) * inverse(scale + 1n, bits)) | junk();
      } else if (hasBase && free(base)) {
        if (withIndex && free(index)) this.registers[index] = random.operand();
        const part = withIndex ? this.registers[index] * scale : 0n;
        this.registers[base] = wrap(target - displacement - part) | junk();
        if (!canonical && !short && random.chance(0.01)) this.registers[base] ^= 1n << 60n;
      } else if (withIndex && free(index) && scale === 1n) {
        this.registers[index] = wrap(target - displacement - (hasBase ? this.registers[base] : 0n)) | junk();
      } else if (!withIndex && hasBase) {
        displacement = BigInt.asIntN(bits, target - this.registers[base]);
        if (displacement !== BigInt.asIntN(32, displacement)) continue;
      } else continue;
      if (hasBase) this.fixed.add(base);
      if (withIndex) this.fixed.add(index);
      this.encodeAddress(hasBase ? base : undefined, withIndex ? index : undefined, scaleBits, displacement);
      return;
    }
  }
  private encodeAddress(base: number | undefined, index: number | undefined, scale: number, value: bigint): void {
    let bytes = 4;
    let mod = 2;
    if (base === undefined) mod = 0;
    else if (value === 0n && (base & 7) !== 5 && this.random.chance(0.8)) [mod, bytes] = [0, 0];
    else if (value === BigInt.asIntN(8, value) && this.random.chance(0.9)) [mod, bytes] = [1, 1];
    this.displacement = { bytes, value, relative: false };
    if (base !== undefined && base & 8) this.rexBits |= 1;
    if (index !== undefined && index & 8) this.rexBits |= 2;
    const plain = index === undefined && base !== undefined && (base & 7) !== 4 && this.random.chance(0.9);
    if (plain) this.setRm(mod, base & 7);
    else this.setRm(mod, 4, (scale << 6) | (((index ?? 4) & 7) << 3) | ((base ?? 5) & 7));
  }
  private setRm(mod: number, rm: number, sib?: number): void {
    this.modrm = (this.modrm ?? 0) | (mod << 6) | rm;
    this.sib = sib;
  }

  // -- state

  read(place: Place): bigint {
    if (place.kind === 'memory') {
      let value = 0n;
      for (let n = place.width / 8 - 1; n >= 0; n--) value = (value << 8n) | BigInt(this.data[place.at + n]);
      return value;
    }
    return BigInt.asUintN(place.width, this.registers[place.number] >> (place.high ? 8n : 0n));
  }
  /** Changes an operand, unless the address of another depends on it. */
  write(place: Place, value: bigint): boolean {
    if (place.kind === 'memory') {
      for (let n = 0; n < place.width / 8; n++) this.data[place.at + n] = Number((value >> BigInt(8 * n)) & 0xffn);
      return true;
    }
    if (this.fixed.has(place.number)) return false;
    const shift = place.high ? 8n : 0n;
    const mask = ((1n << BigInt(place.width)) - 1n) << shift;
    const old = this.registers[place.number];
    this.registers[place.number] = (old & ~mask) | ((value << shift) & mask);
    return true;
  }
  /** Gives a register a value that stays. */
  fix(register: number, value: bigint): void {
    this.registers[register] = BigInt.asUintN(64, value);
    this.fixed.add(register);
  }
  /** RSP (and what is pushed and popped) in the data. */
  stack(): void {
    this.fix(RSP, BigInt(Layout.DATA + OPERANDS + 96 + this.random.below(33)));
  }
  /** Puts an instruction before that sets all flags lazily; only registers that nothing depends on change. */
  precede(): void {
    const { random } = this;
    const width = random.pick([8, 16, 32, 64] as const);
    const free = [0, 1, 2, 3, 5, 6, 7].filter(n => !this.fixed.has(n) && !(width === 8 && this.fixed.has(n & 3)));
    const one = this.registers.map((_, n) => n).filter(n => n < 8);
    const bytes = width === 16 ? [0x66] : width === 64 ? [0x48] : [];
    const wide = width === 8 ? 0 : 1;
    const kind = random.below(4);
    if (kind === 0 || !free.length) bytes.push(0x38 | wide, 0xc0 | (random.pick(one) << 3) | random.pick(one));
    else if (kind === 1)
      bytes.push(random.pick([0, 0x10, 0x18, 0x28]) | wide, 0xc0 | (random.pick(one) << 3) | random.pick(free));
    else if (kind === 2) bytes.push(0xfe | wide, 0xc0 | (random.below(2) << 3) | random.pick(free));
    else bytes.push(0xf6 | wide, 0xd8 | random.pick(free));
    this.prelude = bytes;
  }

  /** The bytes of the instruction, if it began `before` bytes behind the entry. */
  private instruction(before: number): number[] {
    const { random } = this;
    const bytes = [...this.legacy];
    for (let n = bytes.length - 1; n > 0; n--) {
      const other = random.below(n + 1);
      [bytes[n], bytes[other]] = [bytes[other], bytes[n]];
    }
    if (this.vexPrefix) {
      const { map, pp, vvvv } = this.vexPrefix;
      const last = ((~vvvv & 15) << 3) | pp;
      bytes.push(
        0xc4,
        ((~this.rexBits & 4) << 5) | ((~this.rexBits & 2) << 5) | ((~this.rexBits & 1) << 5) | map,
        ((this.rexBits & 8) << 4) | last,
      );
    } else if (this.rex) bytes.push(0x40 | this.rexBits);
    bytes.push(...this.opcodeBytes);
    if (this.modrm !== undefined) bytes.push(this.modrm);
    if (this.sib !== undefined) bytes.push(this.sib);
    if (this.displacement) {
      const { bytes: size, relative } = this.displacement;
      const end = BigInt(this.entry + before + bytes.length + size + this.immediateBytes.length);
      const value = relative ? this.displacement.value - end : this.displacement.value;
      for (let n = 0; n < size; n++) bytes.push(Number((value >> BigInt(8 * n)) & 0xffn));
    }
    bytes.push(...this.immediateBytes);
    return bytes;
  }
  /** Calls `use` with the linear address of the branch target, as soon as it is known. */
  branchesTo(use: (target: bigint) => void): void {
    this.last.push(() => {
      const before = this.prelude.length;
      use(BigInt(this.entry + before + this.instruction(before).length + NEAR_JUMP));
    });
  }
  /** The encoding is complete. */
  complete(): void {
    for (const action of this.last) action();
  }
  /** Everything that runs: prelude, instruction, and the jumps back to the driver. */
  code(fellThrough: number, branched: number): { bytes: Uint8Array; instruction: Uint8Array } {
    const instruction = this.instruction(this.prelude.length);
    const bytes = [...this.prelude, ...instruction];
    for (const target of [fellThrough, branched]) {
      const distance = target - (this.entry + bytes.length + NEAR_JUMP);
      bytes.push(0xe9, distance & 0xff, (distance >> 8) & 0xff, (distance >> 16) & 0xff, (distance >> 24) & 0xff);
    }
    return { bytes: Uint8Array.from(bytes), instruction: Uint8Array.from([...this.prelude, ...instruction]) };
  }
}

/** JMP rel32. A branch of `NEAR_JUMP` bytes goes from the instruction under test to the second jump. */
export const NEAR_JUMP = 5;

/** The inverse of odd `value` modulo 2^bits, by Newton's iteration. */
function inverse(value: bigint, bits: number): bigint {
  let x = value;
  for (let n = 0; n < 6; n++) x = BigInt.asUintN(bits, x * (2n - value * x));
  return x;
}
