/** Guest segment registers (SDM 3C 26.3.1.2). False: a check failed, VM-entry failure 33. */
import { Check } from '../../generated/checks.generated';
import { Entry, Secondary } from '../../generated/controls.generated';
import { Field, Vmcs } from '../../generated/fields.generated';
import { isCanonical } from '../legal';
import { secondaryInEffect } from './controls';
import { reject } from './reject';

const ES: u32 = 0, CS: u32 = 1, SS: u32 = 2, DS: u32 = 3, FS: u32 = 4, GS: u32 = 5, LDTR: u32 = 6, TR: u32 = 7;
const TI: u32 = 4;
const TYPE: u32 = 15, ACCESSED: u32 = 1, READABLE: u32 = 2, CODE: u32 = 8;
const S: u32 = 0x10, PRESENT: u32 = 0x80, L: u32 = 0x2000, D: u32 = 0x4000, G: u32 = 0x8000, UNUSABLE: u32 = 0x10000;
/** Bits 11:8 and 31:17 of the access rights. */
const RESERVED: u32 = 0xfffe0f00;
const VM: u64 = 0x20000;
const PE: u64 = 1;

// Fields of segments are 2 apart in their encodings and one slot apart in the region.
@inline function selector(vmcs: usize, n: u32): u32 { return <u32>load<u16>(vmcs + (<usize>n << 1), Vmcs.GUEST_ES_SELECTOR); }
@inline function limit(vmcs: usize, n: u32): u32 { return load<u32>(vmcs + (<usize>n << 2), Vmcs.GUEST_ES_LIMIT); }
@inline function rights(vmcs: usize, n: u32): u32 { return load<u32>(vmcs + (<usize>n << 2), Vmcs.GUEST_ES_ACCESS_RIGHTS); }
@inline function base(vmcs: usize, n: u32): u64 { return load<u64>(vmcs + (<usize>n << 3), Vmcs.GUEST_ES_BASE); }
@inline function dpl(access: u32): u32 { return (access >> 5) & 3; }
@inline function usable(access: u32): bool { return (access & UNUSABLE) == 0; }
/** G is 0 if any of bits 11:0 of the limit is 0, and 1 if any of bits 31:20 is 1. */
@inline function granular(access: u32, bytes: u32): bool {
  return access & G ? (bytes & 0xfff) == 0xfff : bytes >> 20 == 0;
}
function rejectRights(check: u32, n: u32, access: u32): bool { return reject(check, Field.GUEST_ES_ACCESS_RIGHTS + 2 * n, access); }

export function guestSegmentsSound(vmcs: usize): bool {
  const longMode = (load<u32>(vmcs, Vmcs.ENTRY_CONTROLS) & Entry.IA32E_MODE_GUEST) != 0;
  const unrestricted = (secondaryInEffect(vmcs) & Secondary.UNRESTRICTED_GUEST) != 0;
  const v86 = (load<u64>(vmcs, Vmcs.GUEST_RFLAGS) & VM) != 0;
  if (selector(vmcs, TR) & TI && reject(Check.TR_TI, Field.GUEST_TR_SELECTOR, selector(vmcs, TR))) return false;
  if (usable(rights(vmcs, LDTR)) && selector(vmcs, LDTR) & TI && reject(Check.LDTR_TI, Field.GUEST_LDTR_SELECTOR, selector(vmcs, LDTR))) return false;
  const mismatch = ((selector(vmcs, SS) ^ selector(vmcs, CS)) & 3) != 0;
  if (mismatch && !v86 && !unrestricted && reject(Check.SS_RPL, Field.GUEST_SS_SELECTOR, selector(vmcs, SS))) return false;
  if (v86) {
    for (let n: u32 = ES; n <= GS; n++) if (!virtual8086Sound(vmcs, n)) return false;
  }
  return basesSound(vmcs) && (v86 || codeAndDataSound(vmcs, longMode, unrestricted)) && taskSound(vmcs, longMode) && localTableSound(vmcs);
}

/** In virtual-8086 mode everything about a segment follows from its selector. */
function virtual8086Sound(vmcs: usize, n: u32): bool {
  const at = base(vmcs, n), bytes = limit(vmcs, n), access = rights(vmcs, n);
  if (at != <u64>(selector(vmcs, n) << 4) && reject(Check.V86_BASE, Field.GUEST_ES_BASE + 2 * n, at)) return false;
  if (bytes != 0xffff && reject(Check.V86_LIMIT, Field.GUEST_ES_LIMIT + 2 * n, bytes)) return false;
  return access == 0xf3 || !rejectRights(Check.V86_ACCESS_RIGHTS, n, access);
}

function basesSound(vmcs: usize): bool {
  if (!canonicalBase(vmcs, TR) || !canonicalBase(vmcs, FS) || !canonicalBase(vmcs, GS)) return false;
  if (usable(rights(vmcs, LDTR)) && !canonicalBase(vmcs, LDTR)) return false;
  if (!lowBase(vmcs, CS)) return false;
  return (!usable(rights(vmcs, SS)) || lowBase(vmcs, SS)) && (!usable(rights(vmcs, DS)) || lowBase(vmcs, DS)) && (!usable(rights(vmcs, ES)) || lowBase(vmcs, ES));
}
@inline function canonicalBase(vmcs: usize, n: u32): bool {
  const at = base(vmcs, n);
  return isCanonical(at) || !reject(Check.SEGMENT_BASE_CANONICAL, Field.GUEST_ES_BASE + 2 * n, at);
}
@inline function lowBase(vmcs: usize, n: u32): bool {
  const at = base(vmcs, n);
  return at >> 32 == 0 || !reject(Check.SEGMENT_BASE_HIGH, Field.GUEST_ES_BASE + 2 * n, at);
}

function codeAndDataSound(vmcs: usize, longMode: bool, unrestricted: bool): bool {
  const code = rights(vmcs, CS), stack = rights(vmcs, SS);
  const type = code & TYPE;
  const asData = unrestricted && type == 3;
  if (!asData && (type & (CODE | ACCESSED)) != (CODE | ACCESSED) && rejectRights(Check.CS_TYPE, CS, code)) return false;
  if (usable(stack) && (stack & TYPE) != 3 && (stack & TYPE) != 7 && rejectRights(Check.SS_TYPE, SS, stack)) return false;
  if (!dataTypeSound(vmcs, DS) || !dataTypeSound(vmcs, ES) || !dataTypeSound(vmcs, FS) || !dataTypeSound(vmcs, GS)) return false;
  if (!descriptorSound(vmcs, CS) || code & L && longMode && code & D && rejectRights(Check.CS_D_WITH_L, CS, code)) return false;
  for (let n: u32 = ES; n <= GS; n++) if (n != CS && usable(rights(vmcs, n)) && !descriptorSound(vmcs, n)) return false;

  const stackDpl = dpl(stack), codeDpl = dpl(code);
  const codeFits = asData ? codeDpl == 0 : type & 4 ? codeDpl <= stackDpl : codeDpl == stackDpl;
  if (!codeFits && rejectRights(Check.CS_DPL, CS, code)) return false;
  if (!unrestricted && stackDpl != (selector(vmcs, SS) & 3) && rejectRights(Check.SS_DPL_RPL, SS, stack)) return false;
  const realMode = !(load<u64>(vmcs, Vmcs.GUEST_CR0) & PE);
  if (stackDpl && (type == 3 || realMode) && rejectRights(Check.SS_DPL_ZERO, SS, stack)) return false;
  if (unrestricted) return true;
  return dataDplSound(vmcs, DS) && dataDplSound(vmcs, ES) && dataDplSound(vmcs, FS) && dataDplSound(vmcs, GS);
}

@inline function dataTypeSound(vmcs: usize, n: u32): bool {
  const access = rights(vmcs, n);
  if (!usable(access)) return true;
  if (!(access & ACCESSED) && rejectRights(Check.DATA_SEGMENT_ACCESSED, n, access)) return false;
  return (access & (CODE | READABLE)) != CODE || !rejectRights(Check.DATA_SEGMENT_READABLE, n, access);
}
/** S, P, reserved bits and granularity of CS or a usable data segment. */
@inline function descriptorSound(vmcs: usize, n: u32): bool {
  const access = rights(vmcs, n);
  if (!(access & S) && rejectRights(Check.SEGMENT_S, n, access)) return false;
  if (!(access & PRESENT) && rejectRights(Check.SEGMENT_PRESENT, n, access)) return false;
  if (access & RESERVED && rejectRights(Check.SEGMENT_RESERVED, n, access)) return false;
  return granular(access, limit(vmcs, n)) || !rejectRights(Check.SEGMENT_GRANULARITY, n, access);
}
/** DPL is not below RPL, for types 0 to 11: data and non-conforming code. */
@inline function dataDplSound(vmcs: usize, n: u32): bool {
  const access = rights(vmcs, n);
  if (!usable(access) || (access & TYPE) > 11) return true;
  return dpl(access) >= (selector(vmcs, n) & 3) || !rejectRights(Check.DATA_SEGMENT_DPL, n, access);
}

function taskSound(vmcs: usize, longMode: bool): bool {
  const access = rights(vmcs, TR), type = access & TYPE;
  if (type != 11 && (longMode || type != 3) && rejectRights(Check.TR_TYPE, TR, access)) return false;
  if ((access & (S | PRESENT | UNUSABLE | RESERVED)) != PRESENT && rejectRights(Check.TR_FIXED, TR, access)) return false;
  return granular(access, limit(vmcs, TR)) || !rejectRights(Check.TR_GRANULARITY, TR, access);
}

function localTableSound(vmcs: usize): bool {
  const access = rights(vmcs, LDTR);
  if (!usable(access)) return true;
  if ((access & TYPE) != 2 && rejectRights(Check.LDTR_TYPE, LDTR, access)) return false;
  if ((access & (S | PRESENT | RESERVED)) != PRESENT && rejectRights(Check.LDTR_FIXED, LDTR, access)) return false;
  return granular(access, limit(vmcs, LDTR)) || !rejectRights(Check.LDTR_GRANULARITY, LDTR, access);
}
