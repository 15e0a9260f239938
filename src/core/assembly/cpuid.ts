/** CPUID (SDM 2): announces exactly what this processor has. */
import { State } from './generated/state.generated';
import { MAXPHYADDR } from './layout';
import { setRegister } from './record';

function give(a: u32, b: u32, c: u32, d: u32): void {
  setRegister<u32>(State.RAX, a);
  setRegister<u32>(State.RBX, b);
  setRegister<u32>(State.RCX, c);
  setRegister<u32>(State.RDX, d);
}
const enum Leaf1C { VMX = 1 << 5, CX16 = 1 << 13, MOVBE = 1 << 22, POPCNT = 1 << 23, HYPERVISOR = 1 << 31 }
const enum Leaf1D {
  DE = 1 << 2, PSE = 1 << 3, TSC = 1 << 4, MSR = 1 << 5, PAE = 1 << 6, CX8 = 1 << 8, SEP = 1 << 11, PGE = 1 << 13, CMOV = 1 << 15,
  PAT = 1 << 16, PSE36 = 1 << 17,
}
/** FSGSBASE, IA32_TSC_ADJUST, SMEP, SMAP. Not BMI1: TZCNT executes, its VEX-encoded companions do not. */
const LEAF7_B: u32 = 1 | (1 << 1) | (1 << 7) | (1 << 20);
/** UMIP, RDPID. */
const LEAF7_C: u32 = (1 << 2) | (1 << 22);
/** NX, 1-GByte pages, RDTSCP, 64-bit mode, SYSCALL. */
const LEAF81_D: u32 = (1 << 11) | (1 << 20) | (1 << 26) | (1 << 27) | (1 << 29);
/** LAHF in 64-bit mode, LZCNT. */
const LEAF81_C: u32 = 1 | (1 << 5);

/** Family 6, model 0x55, stepping 4. */
const SIGNATURE: u32 = 0x50654;

export function identify(leaf: u32, subleaf: u32): void {
  switch (leaf) {
    case 0: give(0x16, 0x756e6547, 0x6c65746e, 0x49656e69); return; // "GenuineIntel"
    case 1:
      give(SIGNATURE, 1 << 16, Leaf1C.VMX | Leaf1C.CX16 | Leaf1C.MOVBE | Leaf1C.POPCNT,
        Leaf1D.DE | Leaf1D.PSE | Leaf1D.TSC | Leaf1D.MSR | Leaf1D.PAE | Leaf1D.CX8 | Leaf1D.SEP | Leaf1D.PGE | Leaf1D.CMOV | Leaf1D.PAT | Leaf1D.PSE36);
      return;
    case 7: if (subleaf) give(0, 0, 0, 0); else give(0, LEAF7_B, LEAF7_C, 0); return;
    case 0x15: give(1, 1, 1000000000, 0); return; // TSC = core crystal of 1 GHz: one instruction a nanosecond
    case 0x80000000: give(0x80000008, 0, 0, 0); return;
    case 0x80000001: give(0, 0, LEAF81_C, LEAF81_D); return;
    case 0x80000002: give(0x676e6952, 0x706f6373, 0x69732065, 0x616c756d); return; // "Ringscope simula"
    case 0x80000003: give(0x20646574, 0x65746e49, 0x3638206c, 0x2034362d); return; // "ted Intel 86-64 "
    case 0x80000004: give(0x636f7270, 0x6f737365, 0x72, 0); return; // "processor"
    case 0x80000007: give(0, 0, 0, 1 << 8); return; // invariant TSC
    case 0x80000008: give(MAXPHYADDR | (48 << 8), 0, 0, 0); return;
    default: give(0, 0, 0, 0);
  }
}
