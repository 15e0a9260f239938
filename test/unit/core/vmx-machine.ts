/**
 * A processor with a VMCS that is ready to be entered; the test plays the hypervisor. Host and guest are in 64-bit mode
 * and share identity paging with 1-GByte pages; controls are the minimum that the capability MSRs demand.
 */
import * as assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { FactCode, Processor, StopCode } from '../../../src/core/processor';
import { REVISION_IDENTIFIER } from '../../../src/core/tables/capabilities';
import { entryCheck } from '../../../src/core/tables/checks';
import { controlMask, controlWord, mustBeOne, type ControlWordName } from '../../../src/core/tables/controls';
import { exitReason } from '../../../src/core/tables/exits';
import { vmcsFieldNamed } from '../../../src/core/tables/fields';
import { readVmcsField, writeVmcsField } from '../../../src/core/vmcs';
import { assemble } from '../../../src/program/nasm/assemble';

/** Host-physical addresses, which linear and guest-physical ones equal. */
export const at = {
  vmxon: 0x1000,
  vmcs: 0x2000,
  ioBitmapA: 0x3000,
  ioBitmapB: 0x4000,
  msrBitmaps: 0x5000,
  msrArea: 0x6000,
  ept: 0x7000,
  paging: 0x10000,
  gdt: 0x12000,
  guestIdt: 0x13000,
  hostIdt: 0x14000,
  tss: 0x15000,
  data: 0x20000,
  guestStack: 0x80000,
  hostStack: 0x90000,
  host: 0x100000,
  hostProgram: 0x110000,
  guest: 0x200000,
} as const;

const RAM_BYTES = 16 << 20;
const wasm = readFileSync('dist/core.wasm');

/** Machine code of NASM-syntax source at `origin`, and its labels. */
export function machineCode(
  source: string,
  origin: number,
  bits = 64,
): { bytes: Uint8Array; labels: Map<string, number> } {
  const text = `bits ${bits}\norg ${origin}\n${source}\n`;
  const result = assemble('test.asm', {
    read: path => (path === 'test.asm' ? new TextEncoder().encode(text) : undefined),
    resolve: (_from, relative) => relative,
  });
  assert.deepStrictEqual(result.diagnostics, []);
  return { bytes: result.bytes, labels: new Map(result.symbols.map(symbol => [symbol.name, Number(symbol.address)])) };
}

export interface PortAccess {
  port: number;
  size: number;
  value?: number;
}

export class VmxMachine {
  /** Ports that were read or written, in order. */
  readonly ports: PortAccess[] = [];
  /** Facts since the last launch or resume, by code. */
  readonly facts: number[] = [];
  private entryStops = false;
  private labels = new Map<string, number>();

  private constructor(readonly processor: Processor) {}

  /** With `guest` as 64-bit code at `at.guest`, or of another width. */
  static async create(guest: string, bits = 64): Promise<VmxMachine> {
    // The host's functions are called only once the machine exists.
    const made: { machine?: VmxMachine } = {};
    const processor = await Processor.create(wasm, RAM_BYTES, {
      portRead: (port, size) => {
        made.machine?.ports.push({ port, size });
        return 0xffffffff;
      },
      portWrite: (port, size, value) => {
        made.machine?.ports.push({ port, size, value });
      },
      memoryRead: () => 0xffffffffffffffffn,
      memoryWrite: () => undefined,
      // There are no devices.
      tick: () => 0xffffffffffffffffn,
      endOfInterrupt: () => undefined,
      acknowledgeExternal: () => 0xff,
      initialize: () => undefined,
      fact: code => {
        made.machine!.facts.push(code);
        return code !== FactCode.VmEntry || made.machine!.entryStops;
      },
    });
    const machine = new VmxMachine(processor);
    made.machine = machine;
    machine.prepareHost();
    machine.prepareVmcs();
    machine.load(at.guest, guest, bits);
    processor.core.setFactMask(
      (1 << FactCode.VmExit) | (1 << FactCode.EntryFailure) | (1 << FactCode.VmEntry) | (1 << FactCode.VmxAbort),
    );
    return machine;
  }

  /** Assembles `source` to address `origin`; its labels become known. */
  load(origin: number, source: string, bits = 64): void {
    const { bytes, labels } = machineCode(source, origin, bits);
    this.processor.ram.set(bytes, origin);
    for (const [name, address] of labels) this.labels.set(name, address);
    this.processor.core.reload();
  }
  label(name: string): number {
    const address = this.labels.get(name);
    assert.ok(address !== undefined, `no label ${name}`);
    return address;
  }

  get(name: string): bigint {
    return this.processor.get(name);
  }
  set(name: string, value: bigint | number): void {
    this.processor.set(name, BigInt(value));
  }
  memory64(address: number): bigint {
    return this.data.getBigUint64(address, true);
  }
  setMemory64(address: number, value: bigint | number): void {
    this.data.setBigUint64(address, BigInt.asUintN(64, BigInt(value)), true);
    this.processor.core.touchPage(BigInt(address));
  }
  private get data(): DataView {
    return new DataView(this.processor.ram.buffer, this.processor.ram.byteOffset);
  }

  private get region(): Uint8Array {
    return this.processor.ram.subarray(at.vmcs, at.vmcs + 4096);
  }
  /** Value of a VMCS field by name. */
  read(name: string): bigint {
    const field = vmcsFieldNamed(name);
    assert.ok(field, `no VMCS field ${name}`);
    return readVmcsField(this.region, field.encoding);
  }
  write(name: string, value: bigint | number): void {
    const field = vmcsFieldNamed(name);
    assert.ok(field, `no VMCS field ${name}`);
    writeVmcsField(this.region, field.encoding, BigInt.asUintN(64, BigInt(value)));
  }
  /** Sets controls of a word by name, and "activate secondary controls" with secondary ones. */
  enable(word: ControlWordName, ...names: string[]): void {
    const field = `${word.toUpperCase()}_CONTROLS`;
    for (const name of names) this.write(field, this.read(field) | BigInt(controlMask(word, name)));
    if (word === 'Secondary') this.enable('Primary', 'ACTIVATE_SECONDARY_CONTROLS');
  }
  disable(word: ControlWordName, name: string): void {
    const field = `${word.toUpperCase()}_CONTROLS`;
    this.write(field, this.read(field) & ~BigInt(controlMask(word, name)));
  }

  /** EPT with identity mapping of the first GByte by 2-MByte pages, write-back, all rights. */
  enableEpt(): void {
    this.setMemory64(at.ept, (at.ept + 0x1000) | 7);
    this.setMemory64(at.ept + 0x1000, (at.ept + 0x2000) | 7);
    for (let n = 0; n < 512; n++) this.setMemory64(at.ept + 0x2000 + n * 8, (n << 21) | 0xb7);
    this.write('EPTP', at.ept | 0x1e);
    this.enable('Secondary', 'ENABLE_EPT');
  }
  /** EPT entry of the 2-MByte page that holds `address`. */
  setEptPage(address: number, entry: bigint | number): void {
    this.setMemory64(at.ept + 0x2000 + (address >> 21) * 8, entry);
  }

  /** A gate to `handler` in the guest's or the host's IDT. */
  setGate(idt: number, vector: number, handler: number, type = 0x8e): void {
    this.setMemory64(
      idt + vector * 16,
      BigInt(handler & 0xffff) | (8n << 16n) | (BigInt(type) << 40n) | (BigInt(handler >>> 16) << 48n),
    );
    this.setMemory64(idt + vector * 16 + 8, 0);
  }

  launch(limit = 100_000): string {
    return this.enter('launch', limit);
  }
  resume(limit = 100_000): string {
    return this.enter('resume', limit);
  }
  /** Resumes behind the instruction that exited. */
  skip(limit = 100_000): string {
    this.write('GUEST_RIP', this.read('GUEST_RIP') + this.read('EXIT_INSTRUCTION_LENGTH'));
    return this.resume(limit);
  }
  private enter(label: string, limit: number): string {
    this.set('RIP', this.label(label));
    this.set('ACTIVITY', 0);
    this.processor.core.changed();
    return this.run(limit);
  }
  /** Launches and stops before the guest's first instruction. */
  stopAtEntry(): string {
    this.entryStops = true;
    const outcome = this.launch();
    this.entryStops = false;
    return outcome;
  }
  /** Runs; the reason's id after an exit, the check's name after a failed entry, otherwise how it stopped. */
  run(limit = 100_000): string {
    this.facts.length = 0;
    const stop = this.processor.core.run(BigInt(limit));
    const last = this.facts.at(-1);
    if (last === FactCode.EntryFailure) return entryCheck(Number(this.get('ENTRY_CHECK')))?.name ?? 'unknown check';
    if (last === FactCode.VmExit) return exitReason(Number(this.read('EXIT_REASON')))?.id ?? 'unknown reason';
    if (last === FactCode.VmxAbort) return 'abort';
    if (last === FactCode.VmEntry && this.entryStops) return 'entered';
    return Object.entries(StopCode).find(([, code]) => code === stop)?.[0] ?? `stop ${stop}`;
  }

  /**
   * Executes `source` in root operation up to its end. How a VMX instruction at the end reported: "VMsucceed",
   * "VMfailInvalid", "VMfailValid N"; or "#UD" and the like for an exception on the way.
   */
  execute(source: string, bits = 64): string {
    this.load(at.hostProgram, `${source}\nhlt\nud: mov ebx, 0xdead\nhlt\ngp: mov ebx, 0xdead\nhlt`, bits);
    this.setGate(at.hostIdt, 6, this.label('ud'));
    this.setGate(at.hostIdt, 13, this.label('gp'));
    this.set('RIP', at.hostProgram);
    this.set('ACTIVITY', 0);
    this.processor.core.changed();
    assert.strictEqual(this.run(), 'Halt');
    const end = Number(this.get('RIP'));
    if (end > this.label('ud')) return end > this.label('gp') ? '#GP' : '#UD';
    const flags = Number(this.get('RFLAGS')) & 0x8d5;
    if (flags === 0) return 'VMsucceed';
    if (flags === 1) return 'VMfailInvalid';
    return flags === 0x40 ? `VMfailValid ${this.read('INSTRUCTION_ERROR')}` : `flags ${flags.toString(16)}`;
  }

  private prepareHost(): void {
    // PML4 -> PDPT -> four 1-GByte pages
    this.setMemory64(at.paging, (at.paging + 0x1000) | 7);
    for (let n = 0; n < 4; n++) this.setMemory64(at.paging + 0x1000 + n * 8, BigInt((n << 30) >>> 0) | 0x87n);
    // Code 8, data 0x10, TSS 0x18; user code 0x33 and data 0x2b.
    this.setMemory64(at.gdt + 8, 0x00af9b000000ffffn);
    this.setMemory64(at.gdt + 0x10, 0x00cf93000000ffffn);
    this.setMemory64(at.gdt + 0x18, 0x00008b0000000067n | (BigInt(at.tss & 0xffffff) << 16n));
    this.setMemory64(at.gdt + 0x28, 0x00cff3000000ffffn);
    this.setMemory64(at.gdt + 0x30, 0x00affb000000ffffn);
    this.setMemory64(at.tss + 4, at.guestStack);
    this.set('CR0', 0x80000031);
    this.set('CR3', at.paging);
    this.set('CR4', 0x2020);
    this.set('IA32_EFER', 0xd01);
    this.set('IA32_PAT', 0x0007040600070406n);
    this.set('IA32_FEATURE_CONTROL', 5);
    for (const name of ['ES', 'SS', 'DS', 'FS', 'GS']) this.setSegment(name, 0x10, 0xffffffff, 0xc093);
    this.setSegment('CS', 8, 0xffffffff, 0xa09b);
    this.setSegment('TR', 0x18, 0x67, 0x8b);
    this.set('TR_BASE', at.tss);
    this.setSegment('LDTR', 0, 0, 0x10000);
    this.set('GDTR_BASE', at.gdt);
    this.set('GDTR_LIMIT', 0x37);
    this.set('IDTR_BASE', at.hostIdt);
    this.set('IDTR_LIMIT', 0xfff);
    this.set('RSP', at.hostStack);
    this.set('RFLAGS', 2);
    this.set('DR6', 0xffff0ff0);
    this.set('DR7', 0x400);
    this.set('PENDING_INTERRUPT', 0xffffffff);
    this.set('PREEMPTION_AT', 0xffffffffffffffffn);
    this.set('VMX_OPERATION', 1);
    this.set('VMXON_POINTER', at.vmxon);
    this.set('CURRENT_VMCS', at.vmcs);
    this.load(at.host, 'launch: vmlaunch\nfailed: hlt\nresume: vmresume\nhlt\nexit: hlt');
  }
  setSegment(name: string, selector: number, limit: number, access: number): void {
    this.set(`${name}_SELECTOR`, selector);
    this.set(`${name}_LIMIT`, limit);
    this.set(`${name}_ACCESS`, access);
    this.set(`${name}_BASE`, 0);
  }

  private prepareVmcs(): void {
    this.data.setUint32(at.vmcs, REVISION_IDENTIFIER, true);
    for (const word of ['Pin', 'Primary', 'Exit', 'Entry'] as const)
      this.write(`${word.toUpperCase()}_CONTROLS`, mustBeOne(controlWord(word)));
    this.enable('Exit', 'HOST_ADDRESS_SPACE_SIZE', 'SAVE_EFER', 'LOAD_EFER', 'SAVE_DEBUG_CONTROLS');
    this.enable('Entry', 'IA32E_MODE_GUEST', 'LOAD_EFER', 'LOAD_DEBUG_CONTROLS');
    for (const side of ['GUEST', 'HOST']) {
      this.write(`${side}_CR0`, 0x80000031);
      this.write(`${side}_CR3`, at.paging);
      this.write(`${side}_CR4`, 0x2020);
      this.write(`${side}_IA32_EFER`, 0xd01);
      this.write(`${side}_CS_SELECTOR`, 8);
      this.write(`${side}_TR_SELECTOR`, 0x18);
      this.write(`${side}_TR_BASE`, at.tss);
      this.write(`${side}_GDTR_BASE`, at.gdt);
      for (const name of ['ES', 'SS', 'DS', 'FS', 'GS']) this.write(`${side}_${name}_SELECTOR`, 0x10);
    }
    for (const name of ['ES', 'SS', 'DS', 'FS', 'GS']) {
      this.write(`GUEST_${name}_LIMIT`, 0xffffffff);
      this.write(`GUEST_${name}_ACCESS_RIGHTS`, 0xc093);
    }
    this.write('GUEST_CS_LIMIT', 0xffffffff);
    this.write('GUEST_CS_ACCESS_RIGHTS', 0xa09b);
    this.write('GUEST_TR_LIMIT', 0x67);
    this.write('GUEST_TR_ACCESS_RIGHTS', 0x8b);
    this.write('GUEST_LDTR_ACCESS_RIGHTS', 0x10000);
    this.write('GUEST_GDTR_LIMIT', 0x37);
    this.write('GUEST_IDTR_BASE', at.guestIdt);
    this.write('GUEST_IDTR_LIMIT', 0xfff);
    this.write('HOST_IDTR_BASE', at.hostIdt);
    this.write('GUEST_RIP', at.guest);
    this.write('GUEST_RSP', at.guestStack);
    this.write('GUEST_RFLAGS', 2);
    this.write('GUEST_DR7', 0x400);
    this.write('VMCS_LINK_POINTER', 0xffffffffffffffffn);
    this.write('HOST_RIP', this.label('exit'));
    this.write('HOST_RSP', at.hostStack);
  }
}
