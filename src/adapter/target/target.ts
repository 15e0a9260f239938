import type { FactOf } from '../../machine/facts';
import type { Machine } from '../../machine/machine';
import type { LineRow, Program, ProgramSymbol } from '../../program/program';
import { decode, decodeFlow, MAX_INSTRUCTION_BYTES, type Flow, type Instruction } from './code';
import { UserError } from '../protocol/errors';
import { ExitLog } from './exits';
import { Module, type Located } from './module';
import { linkAddress, linkedAt, placedAt, type GuestSpace } from './placement';
import { isRegister, LiveRegisters, VmcsRegisters, type Registers } from './registers';
import { linearRip, type View, type World } from './view';
import { vmcsFieldNamed } from '../../core/tables/fields';

// prettier-ignore
const GENERAL = ['RAX', 'RCX', 'RDX', 'RBX', 'RBP', 'RSI', 'RDI', 'R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15'];

/** What is remembered of one processor. */
interface Seen {
  atExit: boolean;
  failedEntry: FactOf<'vm-entry-failure'> | undefined;
  enteredCalls: number;
  lastEntry: FactOf<'vm-entry'> | undefined;
  /** General-purpose registers at the last VM exit. */
  exitGeneral: Map<string, bigint>;
  live: LiveRegisters;
}

/**
 * What is debugged: a machine, the program on it, and what the debugger remembers about both.
 *
 * Program addresses (of symbols and line rows) are where the image was loaded, so they are host-physical. Linear
 * addresses are what the processor uses. They agree until paging or EPT says otherwise.
 */
export class Target {
  /** The program first. */
  readonly modules: readonly Module[];
  private readonly own: Module;
  exits = new ExitLog();
  /** The processor that requests without a thread or a frame mean: where the machine stopped, or what the client looks at. */
  cpu = 0;
  private seen: Seen[] = [];
  /** Linear minus program addresses of guests whose memory the hypervisor put elsewhere. */
  readonly displacements = new Set<bigint>();
  constructor(
    readonly machine: Machine,
    readonly program: Program,
    /** Symbol files of code that gets into memory by other ways. */
    symbols: readonly Module[] = [],
  ) {
    const loaded = program.segments.map(({ address, memoryBytes }) => ({
      low: BigInt(address),
      high: BigInt(address) + BigInt(memoryBytes),
    }));
    this.own = Module.of(program, loaded, { kind: 'program', displacement: 0n, loads: [] });
    this.modules = [this.own, ...symbols];
    this.forget();
    machine.on('vm-exit', fact => this.exited(fact));
    machine.on('vm-entry', fact => this.entered(fact));
  }

  /** The program was loaded anew: forget what happened. */
  reset(): void {
    this.exits = new ExitLog();
    this.cpu = 0;
    this.forget();
    this.displacements.clear();
  }
  private forget(): void {
    this.seen = Array.from({ length: this.machine.cpus }, (_, cpu) => ({
      atExit: false,
      failedEntry: undefined,
      enteredCalls: 0,
      lastEntry: undefined,
      exitGeneral: new Map<string, bigint>(),
      live: new LiveRegisters(this.machine, cpu),
    }));
  }

  /** True from a VM exit until the hypervisor's first instruction: the stop still belongs to the guest's instruction. */
  get atExit(): boolean {
    return this.seen[this.cpu].atExit;
  }
  set atExit(value: boolean) {
    this.seen[this.cpu].atExit = value;
  }
  /** The VM entry that just failed, until the processor goes on: the stop belongs to its VMLAUNCH or VMRESUME. */
  get failedEntry(): FactOf<'vm-entry-failure'> | undefined {
    return this.seen[this.cpu].failedEntry;
  }
  set failedEntry(value: FactOf<'vm-entry-failure'> | undefined) {
    this.seen[this.cpu].failedEntry = value;
  }
  /** Inlined calls that begin where the processor stands, and that the user has stepped into: the others look not yet entered. */
  get enteredCalls(): number {
    return this.seen[this.cpu].enteredCalls;
  }
  set enteredCalls(value: number) {
    this.seen[this.cpu].enteredCalls = value;
  }
  /** The instruction that entered the guest. */
  get lastEntry(): FactOf<'vm-entry'> | undefined {
    return this.seen[this.cpu].lastEntry;
  }
  /** Does `action` with processor `cpu` in view. */
  on<T>(cpu: number, action: () => T): T {
    const before = this.cpu;
    this.cpu = cpu;
    try {
      return action();
    } finally {
      this.cpu = before;
    }
  }
  /** Every processor goes on: stops no longer belong to exits or entries. */
  goOn(): void {
    for (const seen of this.seen) {
      seen.atExit = false;
      seen.failedEntry = undefined;
      seen.enteredCalls = 0;
    }
  }

  /** The guest's last exit, while its hypervisor handles it. */
  get pendingExit() {
    const last = this.exits.lastOf(this.cpu);
    if (!last || last.entered !== undefined) return undefined;
    return this.machine.vmxOperation(this.cpu) === 'root' ? last : undefined;
  }

  /** The view of the stop: the guest's at a VM exit, otherwise the processor's. */
  get stopView(): View {
    return this.view(this.atExit ? 'guest' : 'current');
  }

  view(world: World): View {
    return {
      cpu: this.cpu,
      world,
      registers: this.registers(world),
      context: this.machine.context(world, this.cpu),
      codeSize: this.machine.codeSize(world, this.cpu),
    };
  }

  /** What the images say lies at `linear`, or undefined when none has anything there. */
  locate(linear: bigint, view: View): Located | undefined {
    let physical: bigint | undefined;
    let walked = false;
    const translated = () => {
      if (!walked) physical = this.physical(linear, view);
      walked = true;
      return physical;
    };
    // Symbol files first: whoever names one means it.
    for (const module of this.modules.slice(1)) {
      const address = linkAddress(module.placement, linear, this.guestSpace(view), translated);
      if (address !== undefined && module.knows(address)) return { module, address };
    }
    const own = (address: bigint | undefined): Located | undefined =>
      address !== undefined && this.own.knows(address) ? { module: this.own, address } : undefined;
    // Under EPT the guest's addresses mean nothing until they are translated; without, the linear address is the likely one.
    const direct = view.context.eptp === 0n ? own(linear) : undefined;
    return direct ?? own(translated()) ?? own(linear);
  }

  /** The guest that a view looks into, or undefined for code outside of guests. */
  private guestSpace(view: View): GuestSpace | undefined {
    const running = this.machine.vmxOperation(this.cpu) === 'non-root';
    if (view.world !== 'guest' && !(view.world === 'current' && running)) return undefined;
    const vmcs = this.machine.currentVmcs(this.cpu);
    const field = vmcsFieldNamed('VPID');
    const vpid = vmcs === undefined || !field ? undefined : this.machine.vmcs(vmcs)?.read(field.encoding);
    return { vpid, eptp: view.context.eptp };
  }

  /** What lay at a linear address of a guest, which may since have changed its page tables. */
  locateRemembered(linear: bigint): Located | undefined {
    for (const module of this.modules) {
      const { kind, displacement } = module.placement;
      const address = BigInt.asUintN(64, linear - displacement);
      if (kind === 'guest' && module.knows(address)) return { module, address };
    }
    const addresses = [...this.displacements].map(displacement => BigInt.asUintN(64, linear - displacement));
    for (const address of [...addresses.filter(moved => this.own.lines.at(moved)), linear])
      if (this.own.knows(address)) return { module: this.own, address };
    return undefined;
  }

  /** Host-physical address of `linear`, or undefined when it is not mapped for reading. */
  physical(linear: bigint, view: View): bigint | undefined {
    const { result } = this.machine.walk(linear, 'linear', 'read', { ...view.context, cpl: 0 });
    return result.ok ? result.address : undefined;
  }

  /** `main`, `start+0x4`, or undefined. */
  describe(linear: bigint, view: View): string | undefined {
    const found = this.locate(linear, view);
    return found?.module.describe(found.address);
  }

  row(linear: bigint, view: View): LineRow | undefined {
    const found = this.locate(linear, view);
    return found?.module.lines.at(found.address);
  }

  /** The symbol of that name, and where it lies: its linear address. */
  symbolNamed(name: string): { symbol: ProgramSymbol; linear: bigint } | undefined {
    for (const { symbols, placement } of this.modules) {
      const symbol = symbols.named(name);
      if (symbol)
        return { symbol, linear: symbol.kind === 'constant' ? symbol.address : placedAt(placement, symbol.address) };
    }
    return undefined;
  }

  symbolNames(): string[] {
    return this.modules.flatMap(({ symbols }) => [...symbols.names()]);
  }

  /** Where an address of an image may turn up as a linear address. */
  linearAddresses({ module: { placement }, address }: Located): bigint[] {
    const placed = placedAt(placement, address);
    if (placement.kind === 'linear' || placement.kind === 'guest') return [placed];
    return [placed, ...[...this.displacements].map(displacement => BigInt.asUintN(64, placed + displacement))];
  }

  /** What the instruction at `rip` of that view does to the flow of control; undefined when there is none. */
  flow(view: View, rip = view.registers.read('RIP') ?? 0n): Flow | undefined {
    return decodeFlow(
      this.machine.readLinear(linearRip(view, rip), MAX_INSTRUCTION_BYTES, view.context),
      rip,
      view.codeSize,
    );
  }

  /** The instruction at `rip` of that view, or undefined when none can be fetched or decoded. */
  instruction(view: View, rip = view.registers.read('RIP') ?? 0n): Instruction | undefined {
    const bytes = this.machine.readLinear(linearRip(view, rip), MAX_INSTRUCTION_BYTES, view.context);
    return decode(bytes, rip, view.codeSize);
  }

  private registers(world: World): Registers {
    if (world === 'current') return this.seen[this.cpu].live;
    const vmcs = this.machine.currentVmcs(this.cpu);
    if (vmcs === undefined) return this.seen[this.cpu].live;
    if (world === 'host') return new VmcsRegisters(this.machine, vmcs, 'HOST', undefined);
    // Until the hypervisor runs, the general-purpose registers are still the guest's; afterwards, what they were.
    const general = this.atExit
      ? this.seen[this.cpu].live
      : new Remembered(this.seen[this.cpu].exitGeneral, this.seen[this.cpu].live);
    return new VmcsRegisters(this.machine, vmcs, 'GUEST', general);
  }

  private exited(fact: FactOf<'vm-exit'>): void {
    this.exits.add(fact);
    for (const name of GENERAL) this.seen[fact.cpu].exitGeneral.set(name, this.machine.register(name, fact.cpu));
  }

  /** Answers true, to stop, when breakpoints in the guest have to be placed anew before it runs. */
  private entered(fact: FactOf<'vm-entry'>): boolean {
    this.exits.entered(fact.cpu, fact.instruction);
    const seen = this.seen[fact.cpu];
    const first = seen.lastEntry?.vmcs !== fact.vmcs || fact.launch;
    seen.lastEntry = fact;
    return first && this.on(fact.cpu, () => this.learnDisplacement());
  }

  /** A guest that was just launched: does its code lie where the program says, or did EPT move it? */
  private learnDisplacement(): boolean {
    const view = this.view('current');
    const linear = linearRip(view);
    const physical = this.physical(linear, view);
    if (physical === undefined || physical === linear || !this.hasLine(physical)) return false;
    const known = this.displacements.size;
    this.displacements.add(linear - physical);
    return this.displacements.size > known;
  }

  /** Whether an image has a line at a host-physical address. */
  private hasLine(physical: bigint): boolean {
    return this.modules.some(({ lines, placement }) => {
      const address = placement.kind === 'physical' ? linkedAt(placement, physical) : physical;
      return (
        (placement.kind === 'program' || placement.kind === 'physical') && address !== undefined && lines.at(address)
      );
    });
  }

  /** The view whose guest-physical addresses are a guest's: the guest's, whichever side is stopped. */
  get guestView(): View {
    return this.view(this.pendingExit ? 'guest' : 'current');
  }
}

/** General-purpose registers as they were; the rest as it is. */
class Remembered implements Registers {
  constructor(
    private readonly values: ReadonlyMap<string, bigint>,
    private readonly live: Registers,
  ) {}

  read(name: string): bigint | undefined {
    return this.values.get(name.toUpperCase()) ?? this.live.read(name);
  }

  write(name: string, value: bigint): void {
    // Where the hypervisor saved it is the hypervisor's own business.
    if (this.values.has(name.toUpperCase()))
      throw new UserError(`${name} was saved by the hypervisor: set it at the VM exit`, true);
    this.live.write(name, value);
  }

  has(name: string): boolean {
    return isRegister(name);
  }
}
