/** The information that a Multiboot loader leaves for the kernel, of versions 1 (0.6.96, 3.3) and 2 (2.0, 3.6). */
import type { Processor } from '../core';
import type { Program } from '../program/program';
import { ROM_BASE, ROM_BYTES } from './firmware';

export interface BootModule {
  data: Uint8Array;
  /** The module's string, Multiboot 1 3.3. */
  commandLine: string;
}
export interface BootOptions {
  /** Arguments: what follows the image's name in the command line of Multiboot. */
  commandLine?: string;
  modules?: BootModule[];
}
/** Why a program cannot be placed; the message is for the user. */
export class BootError extends Error {}

/** Places tried for the information, below 1 MiB. */
const PLACES = [0x9000, 0x60000, 0x90000];
const INFORMATION_BYTES = 0x1000;
const MAGIC = { 1: 0x2badb002, 2: 0x36d76289 } as const;
const LOADER = 'Ringscope';
const MIB = 0x100000;
const LOWER_KIB = 640;

/** Whether [first, first + bytes) is free of the program. */
export function free(program: Program, first: number, bytes: number): boolean {
  return program.segments.every(s => s.address >= first + bytes || s.address + s.memoryBytes <= first);
}

interface PlacedModule {
  start: number;
  end: number;
  commandLine: string;
}
/** What both versions tell. */
interface Content {
  commandLine: string;
  modules: readonly PlacedModule[];
  memoryBytes: number;
  rsdp: Uint8Array;
}
/** Base, length and type (1 available, 2 reserved) of each area. */
function memoryMap(memoryBytes: number): readonly (readonly [number, number, number])[] {
  return [
    [0, LOWER_KIB * 1024, 1],
    [ROM_BASE, ROM_BYTES, 2],
    [MIB, memoryBytes - MIB, 1],
  ];
}

/** Places modules and information; answers what goes to EAX and EBX. Throws BootError when they do not fit. */
export function leaveMultibootInformation(
  processor: Processor,
  program: Program,
  options: BootOptions,
  rsdp: Uint8Array,
): { magic: number; information: number } {
  const place = PLACES.find(at => free(program, at, INFORMATION_BYTES));
  if (place === undefined) throw new BootError(`${program.path}: no room for the Multiboot information below 1 MiB.`);
  const version = program.multiboot ?? 1;
  const content: Content = {
    commandLine: commandLineOf(program, options),
    modules: placeModules(processor, program, options.modules ?? []),
    memoryBytes: processor.ram.length,
    rsdp,
  };
  const bytes = version === 1 ? information1(place, content) : information2(content);
  if (bytes.length > INFORMATION_BYTES)
    throw new BootError(
      `${program.path}: the command line and module strings are too long (3,000 characters at most).`,
    );
  processor.store(place, bytes);
  return { magic: MAGIC[version], information: place };
}

/** As loaders do: the image's name, then its arguments. */
function commandLineOf({ path }: Program, { commandLine }: BootOptions): string {
  const name = path.split(/[/\\]/).at(-1)!;
  return commandLine ? `${name} ${commandLine}` : name;
}
function placeModules(processor: Processor, program: Program, modules: readonly BootModule[]): PlacedModule[] {
  let next = Math.max(MIB, ...program.segments.map(s => s.address + s.memoryBytes));
  return modules.map(({ data, commandLine }) => {
    const start = (next + 0xfff) & ~0xfff;
    const end = start + data.length;
    if (end > processor.ram.length)
      throw new BootError(
        `${program.path}: module "${commandLine}" (${data.length} bytes) does not fit the machine's memory. Give it more with "memory" (--memory).`,
      );
    processor.store(start, data);
    next = end;
    return { start, end, commandLine };
  });
}

/** Little-endian words, strings, and room to fill in later. */
class Writer {
  private readonly bytes: number[] = [];
  get length(): number {
    return this.bytes.length;
  }
  word(...values: number[]): this {
    for (const value of values) for (let n = 0; n < 4; n++) this.bytes.push(Math.floor(value / 2 ** (8 * n)) & 0xff);
    return this;
  }
  quad(value: number): this {
    return this.word(value % 2 ** 32, Math.floor(value / 2 ** 32));
  }
  string(value: string): this {
    for (const c of value) this.bytes.push(c.charCodeAt(0) & 0xff);
    this.bytes.push(0);
    return this;
  }
  raw(bytes: Uint8Array): this {
    this.bytes.push(...bytes);
    return this;
  }
  align(to: number): this {
    while (this.bytes.length % to) this.bytes.push(0);
    return this;
  }
  patch(at: number, value: number): this {
    for (let n = 0; n < 4; n++) this.bytes[at + n] = (value >>> (8 * n)) & 0xff;
    return this;
  }
  done(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}

/** Version 1 flags: which parts are valid. */
const HAS_MEMORY = 1;
const HAS_COMMAND_LINE = 4;
const HAS_MODULES = 8;
const HAS_MEMORY_MAP = 64;
const HAS_LOADER_NAME = 512;
/** Bytes of the version 1 structure. */
const STRUCTURE_BYTES = 88;
const at1 = { commandLine: 16, moduleCount: 20, modules: 24, mapLength: 44, map: 48, loader: 64 };

function information1(base: number, { commandLine, modules, memoryBytes }: Content): Uint8Array {
  const w = new Writer()
    .word(HAS_MEMORY | HAS_COMMAND_LINE | HAS_MODULES | HAS_MEMORY_MAP | HAS_LOADER_NAME)
    .word(LOWER_KIB, (memoryBytes - MIB) / 1024);
  while (w.length < STRUCTURE_BYTES) w.word(0);
  const map = memoryMap(memoryBytes);
  w.patch(at1.map, base + w.length).patch(at1.mapLength, map.length * 24);
  for (const [address, length, type] of map) w.word(20).quad(address).quad(length).word(type);
  const table = w.length;
  w.patch(at1.moduleCount, modules.length).patch(at1.modules, base + table);
  for (const { start, end } of modules) w.word(start, end, 0, 0);
  modules.forEach((module, n) => w.patch(table + n * 16 + 8, base + w.length).string(module.commandLine));
  w.patch(at1.commandLine, base + w.length).string(commandLine);
  w.patch(at1.loader, base + w.length).string(LOADER);
  return w.done();
}

/** Version 2 tags. */
const enum Tag {
  End = 0,
  CommandLine = 1,
  LoaderName = 2,
  Module = 3,
  BasicMemory = 4,
  MemoryMap = 6,
  NewRsdp = 15,
}

function information2({ commandLine, modules, memoryBytes, rsdp }: Content): Uint8Array {
  const w = new Writer().word(0, 0);
  /** A tag: its size counts type and size, but not the padding to 8 bytes. */
  const tag = (type: Tag, fill: () => void): void => {
    w.align(8);
    const start = w.length;
    w.word(type, 0);
    fill();
    w.patch(start + 4, w.length - start);
  };
  tag(Tag.CommandLine, () => w.string(commandLine));
  tag(Tag.LoaderName, () => w.string(LOADER));
  for (const module of modules) tag(Tag.Module, () => w.word(module.start, module.end).string(module.commandLine));
  tag(Tag.BasicMemory, () => w.word(LOWER_KIB, (memoryBytes - MIB) / 1024));
  tag(Tag.MemoryMap, () => {
    w.word(24, 0);
    for (const [address, length, type] of memoryMap(memoryBytes)) w.quad(address).quad(length).word(type, 0);
  });
  tag(Tag.NewRsdp, () => w.raw(rsdp));
  tag(Tag.End, () => undefined);
  return w.patch(0, w.length).done();
}
