/** Address spaces to look from: the running code's, and the guest's and host's of the current VMCS. */
import { vmcsFieldNamed } from '../core/tables/fields';
import type { Machine, VmcsView } from './machine';
import type { AddressContext } from './walk';

export type ContextName = 'current' | 'guest' | 'host';

const EFER_LMA = 0x400n;
const ENTRY_IA32E_GUEST = 1n << 9n;
const EXIT_HOST_64 = 1n << 9n;
const ACTIVATE_SECONDARY = 1n << 31n;
const ENABLE_EPT = 2n;
const CODE_L = 0x2000n;
const CODE_D = 0x4000n;

function read(vmcs: VmcsView, name: string): bigint {
  return vmcs.read(vmcsFieldNamed(name)!.encoding);
}
function current(machine: Machine): VmcsView | undefined {
  const address = machine.currentVmcs();
  return address === undefined ? undefined : machine.vmcs(address);
}

/** In non-root operation `guest` is the running code, and in root operation `host` is. */
function isRunning(machine: Machine, which: ContextName): boolean {
  const operation = machine.vmxOperation();
  if (which === 'current' || !current(machine)) return true;
  return operation === 'non-root' ? which === 'guest' : which === 'host';
}

export function contextOf(machine: Machine, which: ContextName): AddressContext {
  const vmcs = current(machine);
  if (!vmcs || isRunning(machine, which)) {
    const value = (name: string): bigint => machine.register(name);
    const guest = machine.vmxOperation() === 'non-root';
    return {
      cr0: value('CR0'),
      cr3: value('CR3'),
      cr4: value('CR4'),
      efer: value('IA32_EFER'),
      rflags: value('RFLAGS'),
      eptp: guest && vmcs ? eptpOf(vmcs) : 0n,
      cpl: Number(value('CPL')),
    };
  }
  if (which === 'guest') {
    const ia32e = (read(vmcs, 'ENTRY_CONTROLS') & ENTRY_IA32E_GUEST) !== 0n;
    return {
      cr0: read(vmcs, 'GUEST_CR0'),
      cr3: read(vmcs, 'GUEST_CR3'),
      cr4: read(vmcs, 'GUEST_CR4'),
      efer: ia32e ? read(vmcs, 'GUEST_IA32_EFER') | EFER_LMA : read(vmcs, 'GUEST_IA32_EFER') & ~EFER_LMA,
      rflags: read(vmcs, 'GUEST_RFLAGS'),
      eptp: eptpOf(vmcs),
      cpl: Number(read(vmcs, 'GUEST_SS_ACCESS_RIGHTS') >> 5n) & 3,
    };
  }
  const host64 = (read(vmcs, 'EXIT_CONTROLS') & EXIT_HOST_64) !== 0n;
  return {
    cr0: read(vmcs, 'HOST_CR0'),
    cr3: read(vmcs, 'HOST_CR3'),
    cr4: read(vmcs, 'HOST_CR4'),
    efer: host64 ? 0xd00n : 0n,
    rflags: 2n,
    eptp: 0n,
    cpl: 0,
  };
}

/** The EPT pointer in force for the guest of `vmcs`; 0 when EPT is off. */
function eptpOf(vmcs: VmcsView): bigint {
  const on =
    (read(vmcs, 'PRIMARY_CONTROLS') & ACTIVATE_SECONDARY) !== 0n &&
    (read(vmcs, 'SECONDARY_CONTROLS') & ENABLE_EPT) !== 0n;
  return on ? read(vmcs, 'EPTP') : 0n;
}

/** Width of the code that context runs. */
export function codeSizeOf(machine: Machine, which: ContextName): 16 | 32 | 64 {
  const vmcs = current(machine);
  if (!vmcs || isRunning(machine, which))
    return sizeOf(machine.register('CS_ACCESS'), (machine.register('IA32_EFER') & EFER_LMA) !== 0n);
  if (which === 'guest')
    return sizeOf(read(vmcs, 'GUEST_CS_ACCESS_RIGHTS'), (read(vmcs, 'ENTRY_CONTROLS') & ENTRY_IA32E_GUEST) !== 0n);
  return (read(vmcs, 'EXIT_CONTROLS') & EXIT_HOST_64) !== 0n ? 64 : 32;
}
function sizeOf(access: bigint, longMode: boolean): 16 | 32 | 64 {
  if (longMode && access & CODE_L) return 64;
  return access & CODE_D ? 32 : 16;
}
