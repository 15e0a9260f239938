/** Integer arithmetic and logic, one function an instruction, generic in its width (SDM 2). */
import { AF, CF, OF, carry, lazyAdd, lazyDecrement, lazyExtra, lazyIncrement, lazyLogic, lazySubtract } from './flags';

@inline function minimum<T>(): T { return <T>(<u64>1 << (sizeof<T>() * 8 - 1)); }
@inline function negative<T>(value: T): bool { return (value & minimum<T>()) != 0; }

@inline export function add<T>(a: T, b: T): T { const r = <T>(a + b); lazyAdd<T>(a, r); return r; }
@inline export function sub<T>(a: T, b: T): T { const r = <T>(a - b); lazySubtract<T>(a, r); return r; }
@inline export function cmp<T>(a: T, b: T): void { lazySubtract<T>(a, <T>(a - b)); }
@inline export function and_<T>(a: T, b: T): T { const r = <T>(a & b); lazyLogic<T>(r); return r; }
@inline export function or_<T>(a: T, b: T): T { const r = <T>(a | b); lazyLogic<T>(r); return r; }
@inline export function xor_<T>(a: T, b: T): T { const r = <T>(a ^ b); lazyLogic<T>(r); return r; }
@inline export function test_<T>(a: T, b: T): void { lazyLogic<T>(<T>(a & b)); }

@inline export function adc<T>(a: T, b: T): T {
  const c = carry(), r = <T>(a + b + <T>c);
  const out = c ? r <= a : r < a;
  lazyExtra<T>(r, (out ? CF : 0) | (<u32>(a ^ b ^ r) & AF) | (negative<T>(<T>((a ^ r) & (b ^ r))) ? OF : 0));
  return r;
}
@inline export function sbb<T>(a: T, b: T): T {
  const c = carry(), r = <T>(a - b - <T>c);
  const out = c ? a <= b : a < b;
  lazyExtra<T>(r, (out ? CF : 0) | (<u32>(a ^ b ^ r) & AF) | (negative<T>(<T>((a ^ b) & (a ^ r))) ? OF : 0));
  return r;
}
@inline export function inc<T>(a: T): T {
  const r = <T>(a + 1);
  lazyIncrement<T>(r);
  return r;
}
@inline export function dec<T>(a: T): T {
  const r = <T>(a - 1);
  lazyDecrement<T>(r);
  return r;
}
@inline export function neg<T>(a: T): T { const r = <T>(0 - a); lazySubtract<T>(0, r); return r; }
@inline export function not_<T>(a: T): T { return <T>~a; }
