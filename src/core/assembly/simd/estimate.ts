/**
 * RCPPS and RSQRTPS: the manual gives a bound of the error, 1.5 * 2^-12 relative, not the bits. Here the estimate is the
 * quotient rounded to 12 bits: inside the bound, and the same on every host. No exceptions; denormals count as zeros (SDM 2).
 */
import { RECORD } from '../record';
import { xmmBytes, xmmDst, xmmSource } from './operands';

/** A normal f32 whose significand is cut to 12 bits, rounded half up. */
@inline function shorten(x: f64): u32 { return (reinterpret<u32>(<f32>x) + 0x800) & 0xfffff000; }

function rcp(bits: u32): u32 {
  const sign = bits & 0x80000000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return bits | 0x400000;
  if (size < 0x800000) return sign | 0x7f800000;
  if (size == 0x7f800000) return sign;
  const r = shorten(1.0 / <f64>reinterpret<f32>(size));
  return r < 0x800000 ? sign : sign | r; // tiny results are flushed
}
function rsqrt(bits: u32): u32 {
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return bits | 0x400000;
  if (size < 0x800000) return (bits & 0x80000000) | 0x7f800000;
  if (bits >> 31) return 0xffc00000;
  if (size == 0x7f800000) return 0;
  return shorten(1.0 / Math.sqrt(<f64>reinterpret<f32>(bits)));
}
export function rcpss(p: usize): usize { const s = xmmBytes(p, 4); if (!s) return 0; store<u32>(xmmDst(p), rcp(load<u32>(s))); return p + RECORD; }
export function rsqrtss(p: usize): usize { const s = xmmBytes(p, 4); if (!s) return 0; store<u32>(xmmDst(p), rsqrt(load<u32>(s))); return p + RECORD; }
export function rcpps(p: usize): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  for (let n: usize = 0; n < 16; n += 4) store<u32>(xmmDst(p) + n, rcp(load<u32>(s + n)));
  return p + RECORD;
}
export function rsqrtps(p: usize): usize {
  const s = xmmSource(p);
  if (!s) return 0;
  for (let n: usize = 0; n < 16; n += 4) store<u32>(xmmDst(p) + n, rsqrt(load<u32>(s + n)));
  return p + RECORD;
}
