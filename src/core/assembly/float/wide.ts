/** 64 by 64 bits to 128, 128 by 64 to 64, and square roots of 128 bits. Second results are in `rest`. */

/** Low half of the last product; remainder of the last division; remainder of the last root. */
export let rest: u64 = 0;
/** Bit 64 of the last root's remainder. */
export let restHigh: u64 = 0;

/** High half of a * b; the low half is `rest`. */
export function multiply(a: u64, b: u64): u64 {
  const al = a & 0xffffffff, ah = a >> 32, bl = b & 0xffffffff, bh = b >> 32;
  const m = ah * bl + ((al * bl) >> 32);
  const n = al * bh + (m & 0xffffffff);
  rest = a * b;
  return ah * bh + (m >> 32) + (n >> 32);
}

/** (high:low) / d for d with bit 63 set and high < d; the remainder is `rest`. Two digits of 32 bits, each corrected at most twice. */
export function divide(high: u64, low: u64, d: u64): u64 {
  const dh = d >> 32, dl = d & 0xffffffff;
  const first = digit(high, low >> 32, d, dh, dl);
  const middle = rest;
  const second = digit(middle, low & 0xffffffff, d, dh, dl);
  return (first << 32) | second;
}
/** One quotient digit of (high:next) with 32-bit `next`; remainder in `rest`. */
function digit(high: u64, next: u64, d: u64, dh: u64, dl: u64): u64 {
  let q = high / dh, r = high % dh;
  while (q >> 32 || q * dl > ((r << 32) | next)) {
    q--;
    r += dh;
    if (r >> 32) break;
  }
  rest = ((high << 32) | next) - q * d;
  return q;
}

/** The integer square root of high:low; high has one of its two top bits set. Remainder: restHigh:rest. */
export function root(high: u64, low: u64): u64 {
  let q: u64 = 0, rh: u64 = 0, rl: u64 = 0;
  for (let n = 0; n < 64; n++) {
    // Two more bits into the remainder, then try 4q + 1.
    rh = (rh << 2) | (rl >> 62);
    rl = (rl << 2) | (high >> 62);
    high = (high << 2) | (low >> 62);
    low <<= 2;
    const th = q >> 62, tl = (q << 2) | 1;
    q <<= 1;
    if (rh > th || (rh == th && rl >= tl)) {
      rh -= th + (rl < tl ? 1 : 0);
      rl -= tl;
      q |= 1;
    }
  }
  rest = rl;
  restHigh = rh;
  return q;
}
