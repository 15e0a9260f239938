/** Reading the VMX capability MSRs (SDM 3D appendix A). They are read-only, and follow from the features selected at launch. */
import { State } from '../generated/state.generated';
import { vmxCapability } from '../generated/capabilities.generated';
import { Primary } from '../generated/controls.generated';
import { Feature, has } from '../generated/features.generated';
import { CR4_LEGAL, ENTRY_ALLOWED, EXIT_ALLOWED, PIN_ALLOWED, PRIMARY_ALLOWED, SECONDARY_ALLOWED } from '../layout';

const IA32_VMX_CR4_FIXED1: u32 = 0x489;
const IA32_VMX_PROCBASED_CTLS2: u32 = 0x48b;
const IA32_VMX_EPT_VPID_CAP: u32 = 0x48c;

/** Where the allowed-1 settings lie that capability MSR `index` has in its high half; 0 when it has none. */
function allowedAt(index: u32): usize {
  switch (index) {
    case 0x481: case 0x48d: return PIN_ALLOWED;
    case 0x482: case 0x48e: return PRIMARY_ALLOWED;
    case IA32_VMX_PROCBASED_CTLS2: return SECONDARY_ALLOWED;
    case 0x483: case 0x48f: return EXIT_ALLOWED;
    case 0x484: case 0x490: return ENTRY_ALLOWED;
    default: return 0;
  }
}

/** RDMSR of an MSR in 0x480-0x493: value in State.SCRATCH, or false when there is no such MSR (#GP(0)). */
export function readVmxMsr(index: u32): bool {
  let value = vmxCapability(index);
  if (value == u64.MAX_VALUE) return false;
  if (index == IA32_VMX_PROCBASED_CTLS2 && !(load<u32>(PRIMARY_ALLOWED) & Primary.ACTIVATE_SECONDARY_CONTROLS)) return false;
  if (index == IA32_VMX_EPT_VPID_CAP && !has(Feature.EPT) && !has(Feature.VPID)) return false;
  const allowed = allowedAt(index);
  if (allowed) value = (value & 0xffffffff) | (<u64>load<u32>(allowed) << 32);
  if (index == IA32_VMX_CR4_FIXED1) value = load<u64>(CR4_LEGAL);
  store<u64>(State.SCRATCH, value);
  return true;
}
