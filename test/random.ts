/** Random numbers that a seed repeats (mulberry32), and operands as bugs like them. */
export class Random {
  private state: number;
  constructor(seed: number) {
    // Neighbouring seeds must not begin alike.
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    this.u32();
  }
  u32(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.u32() / 0x100000000) * n);
  }
  chance(probability: number): boolean {
    return this.u32() < probability * 0x100000000;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }
  /** 64 bits, half of them at the edges of some width. */
  operand(): bigint {
    if (this.chance(0.5)) return this.u64();
    const bit = 1n << BigInt(this.below(64));
    const edge = this.pick([0n, bit, bit - 1n, -bit, ~bit, BigInt(this.below(256)), 0x80n, 0x8000n, 0x80000000n, -1n]);
    // A random upper part must not matter to a narrower operation.
    const value = this.chance(0.3) ? edge ^ (this.u64() & ~0xffffffffn) : edge;
    return BigInt.asUintN(64, value);
  }
}
