/** The debug sections of one image, as their readers want them. */

export interface DebugSections {
  /** The content of a section such as `.debug_line`; empty when the image has none. */
  get(name: string): Uint8Array;
  /** The linear address of a section that is loaded; 0 for others. */
  address(name: string): bigint;
  /** Bytes of an address where a section does not say: 4 for ELF32, 8 for ELF64. */
  addressSize: 4 | 8;
  /** Whether the image has anything loaded at that linear address. */
  loaded(address: bigint): boolean;
}
