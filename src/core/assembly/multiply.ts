/** Multiplication, division and the decimal adjustments (SDM 2). Flags that the manual leaves undefined follow recent Intel processors where known. */
import { State } from './generated/state.generated';
import { memReadable } from './address';
import { AF, CF, OF, arithmeticFlags, carry, lazyExtra, lazyLogic, setArithmeticFlags } from './flags';
import { Vector, fault } from './fault';
import { RECORD, dst, immediate, setDst, setRegister, src } from './record';

/** High half of the unsigned 128-bit product. */
export function highProduct(a: u64, b: u64): u64 {
  const al = a & 0xffffffff, ah = a >> 32, bl = b & 0xffffffff, bh = b >> 32;
  const m = ah * bl + ((al * bl) >> 32);
  const n = al * bh + (m & 0xffffffff);
  return ah * bh + (m >> 32) + (n >> 32);
}
@inline function signedHighProduct(a: i64, b: i64): u64 {
  return highProduct(<u64>a, <u64>b) - (a < 0 ? <u64>b : 0) - (b < 0 ? <u64>a : 0);
}
@inline function extended<T>(value: T): i64 {
  return sizeof<T>() == 8 ? <i64>value : sizeof<T>() == 4 ? <i64><i32>value : sizeof<T>() == 2 ? <i64><i16>value : <i64><i8>value;
}

@inline export function imul2<T>(a: T, b: T): T {
  const wide = extended<T>(a) * extended<T>(b), r = <T>wide;
  const over = sizeof<T>() == 8 ? signedHighProduct(<i64>a, <i64>b) != <u64>(wide >> 63) : wide != extended<T>(r);
  lazyExtra<T>(r, over ? CF | OF : 0);
  return r;
}
export function imul3<T>(p: usize): usize {
  setDst<T>(p, imul2<T>(src<T>(p), <T>immediate(p)));
  return p + RECORD;
}
export function imul3m<T>(p: usize): usize {
  const h = memReadable(p, sizeof<T>());
  if (!h) return 0;
  setDst<T>(p, imul2<T>(load<T>(h), <T>immediate(p)));
  return p + RECORD;
}

/** AX = AL * b, or rDX:rAX = rAX * b. */
@inline function unsignedProduct<T>(b: T): void {
  const a = load<T>(State.RAX);
  let low: T, high: T;
  if (sizeof<T>() == 8) { low = <T>(a * b); high = <T>highProduct(<u64>a, <u64>b); }
  else { const wide = <u64>a * <u64>b; low = <T>wide; high = <T>(wide >> (sizeof<T>() * 8)); }
  if (sizeof<T>() == 1) store<u16>(State.RAX, <u16>low | (<u16>high << 8));
  else { setRegister<T>(State.RAX, low); setRegister<T>(State.RDX, high); }
  lazyExtra<T>(low, high ? CF | OF : 0);
}
@inline function signedProduct<T>(b: T): void {
  const a = load<T>(State.RAX);
  const wide = extended<T>(a) * extended<T>(b), low = <T>wide;
  const high = sizeof<T>() == 8 ? <T>signedHighProduct(<i64>a, <i64>b) : <T>(<u64>wide >> (sizeof<T>() * 8));
  const over = sizeof<T>() == 8 ? <i64>high != <i64>low >> 63 : wide != extended<T>(low);
  if (sizeof<T>() == 1) store<u16>(State.RAX, <u16>wide);
  else { setRegister<T>(State.RAX, low); setRegister<T>(State.RDX, high); }
  lazyExtra<T>(low, over ? CF | OF : 0);
}
export function mul<T>(p: usize): usize { unsignedProduct<T>(dst<T>(p)); return p + RECORD; }
export function imul<T>(p: usize): usize { signedProduct<T>(dst<T>(p)); return p + RECORD; }
export function mulm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; unsignedProduct<T>(load<T>(h)); return p + RECORD; }
export function imulm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; signedProduct<T>(load<T>(h)); return p + RECORD; }

let remainder: u64 = 0;
/** high:low / divisor for high < divisor; leaves `remainder`. */
function divide128(high: u64, low: u64, divisor: u64): u64 {
  if (!high) { remainder = low % divisor; return low / divisor; }
  let rest = high, quotient: u64 = 0;
  for (let n: i32 = 63; n >= 0; n--) {
    const over = rest >> 63;
    rest = (rest << 1) | ((low >> <u64>n) & 1);
    if (over || rest >= divisor) { rest -= divisor; quotient |= <u64>1 << <u64>n; }
  }
  remainder = rest;
  return quotient;
}
@inline function unsignedQuotient<T>(b: T, p: usize): usize {
  if (!b) return fault(Vector.DE);
  if (sizeof<T>() == 8) {
    const high = load<u64>(State.RDX);
    if (high >= <u64>b) return fault(Vector.DE);
    store<u64>(State.RAX, divide128(high, load<u64>(State.RAX), <u64>b));
    store<u64>(State.RDX, remainder);
    return p + RECORD;
  }
  const a: u64 = sizeof<T>() == 1 ? <u64>load<u16>(State.RAX)
    : sizeof<T>() == 2 ? (<u64>load<u16>(State.RDX) << 16) | <u64>load<u16>(State.RAX)
    : (<u64>load<u32>(State.RDX) << 32) | <u64>load<u32>(State.RAX);
  const q = a / <u64>b, r = a % <u64>b;
  if (q >> (sizeof<T>() * 8)) return fault(Vector.DE);
  if (sizeof<T>() == 1) store<u16>(State.RAX, <u16>q | (<u16>r << 8));
  else { setRegister<T>(State.RAX, <T>q); setRegister<T>(State.RDX, <T>r); }
  return p + RECORD;
}
@inline function signedQuotient<T>(b: T, p: usize): usize {
  if (!b) return fault(Vector.DE);
  if (sizeof<T>() == 8) {
    let low = load<u64>(State.RAX), high = load<u64>(State.RDX);
    const negative = <i64>high < 0, flip = negative != (<i64>b < 0);
    if (negative) { low = 0 - low; high = ~high + <u64>(low == 0); }
    const divisor = <i64>b < 0 ? 0 - <u64>b : <u64>b;
    if (high >= divisor) return fault(Vector.DE);
    const q = divide128(high, low, divisor), r = remainder;
    if (q > (flip ? 0x8000000000000000 : 0x7fffffffffffffff)) return fault(Vector.DE);
    store<u64>(State.RAX, flip ? 0 - q : q);
    store<u64>(State.RDX, negative ? 0 - r : r);
    return p + RECORD;
  }
  const a: i64 = sizeof<T>() == 1 ? <i64><i16>load<u16>(State.RAX)
    : sizeof<T>() == 2 ? <i64><i32>((load<u32>(State.RDX) << 16) | <u32>load<u16>(State.RAX))
    : <i64>((<u64>load<u32>(State.RDX) << 32) | <u64>load<u32>(State.RAX));
  const divisor = extended<T>(b);
  if (a == i64.MIN_VALUE && divisor == -1) return fault(Vector.DE);
  const q = a / divisor, r = a % divisor;
  if (q != extended<T>(<T>q)) return fault(Vector.DE);
  if (sizeof<T>() == 1) store<u16>(State.RAX, (<u16>q & 0xff) | (<u16>r << 8));
  else { setRegister<T>(State.RAX, <T>q); setRegister<T>(State.RDX, <T>r); }
  return p + RECORD;
}
export function div<T>(p: usize): usize { return unsignedQuotient<T>(dst<T>(p), p); }
export function idiv<T>(p: usize): usize { return signedQuotient<T>(dst<T>(p), p); }
export function divm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; return unsignedQuotient<T>(load<T>(h), p); }
export function idivm<T>(p: usize): usize { const h = memReadable(p, sizeof<T>()); if (!h) return 0; return signedQuotient<T>(load<T>(h), p); }

// Decimal and ASCII adjustments, not in 64-bit mode (SDM 2: AAA, AAS, DAA, DAS, AAM, AAD).
@inline function adjusted(): bool { return (load<u8>(State.RAX) & 0xf) > 9 || (arithmeticFlags() & AF) != 0; }
export function aaa(p: usize): usize {
  const adjust = adjusted();
  if (adjust) store<u16>(State.RAX, load<u16>(State.RAX) + 0x106);
  store<u8>(State.RAX, load<u8>(State.RAX) & 0xf);
  setArithmeticFlags((arithmeticFlags() & ~(AF | CF)) | (adjust ? AF | CF : 0));
  return p + RECORD;
}
export function aas(p: usize): usize {
  const adjust = adjusted();
  if (adjust) {
    store<u16>(State.RAX, load<u16>(State.RAX) - 6);
    store<u8>(State.RAX + 1, load<u8>(State.RAX + 1) - 1);
  }
  store<u8>(State.RAX, load<u8>(State.RAX) & 0xf);
  setArithmeticFlags((arithmeticFlags() & ~(AF | CF)) | (adjust ? AF | CF : 0));
  return p + RECORD;
}
function decimal(sign: i32, p: usize): usize {
  const old = load<u8>(State.RAX), c = carry(), low = adjusted(), high = old > 0x99 || c;
  let al = <i32>old, out = high;
  if (low) { if (sign < 0 && al < 6) out = true; al += 6 * sign; }
  if (high) al += 0x60 * sign;
  store<u8>(State.RAX, <u8>al);
  lazyExtra<u8>(<u8>al, (low ? AF : 0) | (out ? CF : 0));
  return p + RECORD;
}
export function daa(p: usize): usize { return decimal(1, p); }
export function das(p: usize): usize { return decimal(-1, p); }
export function aam(p: usize): usize {
  const base = <u8>immediate(p), al = load<u8>(State.RAX);
  if (!base) return fault(Vector.DE);
  store<u8>(State.RAX + 1, al / base);
  store<u8>(State.RAX, al % base);
  lazyLogic<u8>(al % base);
  return p + RECORD;
}
export function aad(p: usize): usize {
  const al = <u8>(load<u8>(State.RAX) + load<u8>(State.RAX + 1) * <u8>immediate(p));
  store<u16>(State.RAX, al);
  lazyLogic<u8>(al);
  return p + RECORD;
}
