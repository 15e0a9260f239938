/** Where driver.asm, its cases and their operands lie, on the host and in the machine alike. Addresses are linear. */

/** The memory that the runner maps. The machine has RAM from 0 to its end. */
export const LOW = 0x2000000;
export const BYTES = 0x2000000;
/** Entries of cases lie before the end of a page, so that some instructions cross it. */
export const ENTRY = 0x2000fc0;
export const ENTRIES = 64;
/** Operands and stack of a case; a page boundary is inside. */
export const DATA = 0x2010f00;
export const DATA_BYTES = 1024;
export const DRIVER = 0x2020000;
/** A count of 8 bytes, then from byte 256 on the cases. */
export const CASES = 0x2030000;
export const FIRST_CASE = 256;

export const CODE_BYTES = 64;
/** Offsets inside a case (`struc case` of driver.asm). */
export const AT = {
  entry: 0,
  path: 8,
  rip: 16,
  error: 24,
  code: 32,
  registers: 96,
  data: 232,
  fx: 232 + DATA_BYTES,
} as const;
/** Image of FXSAVE64. */
export const FX_BYTES = 512;
export const CASE_BYTES = AT.fx + FX_BYTES;
/** RFLAGS follows the 16 general-purpose registers. */
export const RFLAGS = 16;

/** case.path */
export const PATH = { fellThrough: 0, branched: 1, faulted: 0x100 } as const;

export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** What driver.asm takes from here. */
export const defines: Record<string, string> = {
  DRIVER: hex(DRIVER),
  CASES: hex(CASES),
  DATA: hex(DATA),
  DATA_BYTES: String(DATA_BYTES),
  CODE_BYTES: String(CODE_BYTES),
  CASE_BYTES: String(CASE_BYTES),
  FX_BYTES: String(FX_BYTES),
};
