/** Model-specific registers (SDM 4). Those that are plain state come from the schema's table; the rest are here. */
import { State } from './generated/state.generated';
import { msrOffset } from './generated/msrs.generated';
import { CR0_PG, EFER_LMA, EFER_LME, EFER_NXE, flushSpace, longMode, modeChanged } from './context';
import { FactCode, tellWords } from './facts';
import { now } from './stop';
import { readX2, writeApicBase, writeX2 } from './apic';
import { rearmTimer, setDeadline } from './apic-timer';
import { isMtrr, mtrrAccepts } from './mtrr';
import { canonical } from './tlb';
import { Feature, has, msrAnnounced } from './generated/features.generated';
import { EFER_LEGAL } from './layout';
import { readVmxMsr } from './vmx/capabilities';

const IA32_TSC: u32 = 0x10;
const IA32_TSC_ADJUST: u32 = 0x3b;
const IA32_FEATURE_CONTROL: u32 = 0x3a;
const IA32_BIOS_SIGN_ID: u32 = 0x8b;
const IA32_APIC_BASE: u32 = 0x1b;
const IA32_TSC_DEADLINE: u32 = 0x6e0;
const IA32_PAT: u32 = 0x277;
const IA32_EFER: u32 = 0xc0000080;
const IA32_FS_BASE: u32 = 0xc0000100;
const IA32_GS_BASE: u32 = 0xc0000101;
const MTRRCAP: u32 = 0xfe;
const IA32_ARCH_CAPABILITIES: u32 = 0x10a;
const IA32_MCG_CAP: u32 = 0x179;
const IA32_MCG_STATUS: u32 = 0x17a;
const IA32_MISC_ENABLE: u32 = 0x1a0;
/** Machine-check banks; none ever reports anything. */
/** Nothing here ever fails, so there are no banks to report it. */
const BANKS: u64 = 0;
/** RDCL_NO, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO: nothing here speculates. */
const ARCH_CAPABILITIES: u64 = 0x179;
/** Bits that software may write; of them bit 18 (MONITOR) does something, the others only keep their values. */
const MISC_ENABLE_BITS: u64 = 0x400c51889;

/** Reads MSR `index` into State.SCRATCH; false: no such MSR, #GP(0). */
export function readMsr(index: u32): bool {
  if (!msrAnnounced(index)) return false;
  if (index >= 0x480 && index <= 0x491) return readVmxMsr(index);
  if (index >= 0x800 && index <= 0x83f) return readX2(index);
  let value: u64;
  switch (index) {
    case IA32_TSC: value = now() + load<u64>(State.TSC_BASE) + load<u64>(State.TSC_OFFSET); break;
    case IA32_FS_BASE: value = load<u64>(State.FS_BASE); break;
    case IA32_GS_BASE: value = load<u64>(State.GS_BASE); break;
    case 0: case 1: value = 0; break; // P5 machine check
    case 0x17: value = 0; break; // IA32_PLATFORM_ID
    case MTRRCAP: value = 0x508; break; // eight variable ranges; fixed ranges and WC exist
    case IA32_MCG_CAP: value = BANKS; break;
    case IA32_ARCH_CAPABILITIES: value = ARCH_CAPABILITIES; break;
    default: {
      const at = msrOffset(index);
      if (!at) return false;
      value = load<u64>(at);
    }
  }
  store<u64>(State.SCRATCH, value);
  return true;
}

/** Writes MSR `index`; false: #GP(0), nothing changed. */
export function writeMsr(index: u32, value: u64): bool {
  if (!accept(index, value)) return false;
  tellWords(FactCode.Control, 1, index, value);
  return true;
}
function accept(index: u32, value: u64): bool {
  if (!msrAnnounced(index)) return false;
  if (index >= 0x800 && index <= 0x83f) return writeX2(index, value);
  switch (index) {
    case IA32_TSC: {
      const change = value - (now() + load<u64>(State.TSC_BASE));
      store<u64>(State.TSC_BASE, load<u64>(State.TSC_BASE) + change);
      store<u64>(State.IA32_TSC_ADJUST, load<u64>(State.IA32_TSC_ADJUST) + change);
      rearmTimer();
      return true;
    }
    case IA32_TSC_ADJUST:
      store<u64>(State.TSC_BASE, load<u64>(State.TSC_BASE) + value - load<u64>(State.IA32_TSC_ADJUST));
      store<u64>(State.IA32_TSC_ADJUST, value);
      rearmTimer();
      return true;
    case IA32_FEATURE_CONTROL:
      if (load<u64>(State.IA32_FEATURE_CONTROL) & 1 || value & ~<u64>5) return false;
      break;
    case IA32_EFER: {
      const old = load<u64>(State.IA32_EFER);
      if (value & ~load<u64>(EFER_LEGAL)) return false;
      // LME cannot change while paging is on; LMA is the processor's own (SDM 3A 2.2.1).
      if ((old ^ value) & EFER_LME && load<u64>(State.CR0) & CR0_PG) return false;
      store<u64>(State.IA32_EFER, (value & ~EFER_LMA) | (old & EFER_LMA));
      if ((old ^ value) & EFER_NXE) flushSpace();
      modeChanged();
      return true;
    }
    case IA32_FS_BASE: if (!canonical(value)) return false; store<u64>(State.FS_BASE, value); return true;
    case IA32_GS_BASE: if (!canonical(value)) return false; store<u64>(State.GS_BASE, value); return true;
    case 0xc0000102: case 0xc0000082: case 0xc0000083: case 0x175: case 0x176: if (!canonical(value)) return false; break;
    case IA32_PAT:
      for (let n: u64 = 0; n < 64; n += 8) { const type = (value >> n) & 0xff; if (type > 7 || type == 2 || type == 3) return false; }
      break;
    case 0xda0: if (value) return false; break; // IA32_XSS: no supervisor state
    case 0xc0000103: if (value >> 32) return false; break;
    case 0xc0000084: value &= 0xffffffff; break;
    case 0x1d9: if (value & ~<u64>3) return false; break;
    case MTRRCAP: case IA32_MCG_CAP: case IA32_ARCH_CAPABILITIES: return false;
    case IA32_MCG_STATUS: if (value >> 3) return false; break;
    case IA32_MISC_ENABLE: if (value & ~MISC_ENABLE_BITS) return false; break;
    case IA32_BIOS_SIGN_ID: return true;
    case 0: case 1: return true;
    case IA32_APIC_BASE: return writeApicBase(value, ~(has(Feature.X2APIC) ? <u64>0x7ffffffd00 : 0x7ffffff900));
    case IA32_TSC_DEADLINE: setDeadline(value); return true;
    default: if (isMtrr(index) && !mtrrAccepts(index, value)) return false;
  }
  const at = msrOffset(index);
  if (!at) return false;
  store<u64>(at, value);
  return true;
}
