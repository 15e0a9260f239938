/**
 * The one expression language: conditions, evaluate, log messages, values that a user types into a view.
 *
 *   numbers     10  0x1F  0b101  1Fh  1_000
 *   names       registers, symbols, VMCS fields, exit reasons, what the stop tells (reason, qual, gpa, vector, port, ...);
 *               `$name` is always the symbol
 *   bits        cr0.PE  rflags.zf  qual.write
 *   variables   of C and Rust frames: list  list->next  point.x  values[i]  *p  &counter; they come before registers
 *   memory      [rsp+8]  byte [label]  dword [gpa:0x1000]  qword [hpa:0x5000]
 *   operators   ! ~ -   * / %   + -   << >>   &   ^   |   < <= > >=   == !=   &&   ||   and ( )
 *
 * Values are unsigned and 64 bits wide. The bitwise operators bind tighter than comparisons, unlike in C:
 * `qual & 2 == 2` means what it looks like.
 */
export type Expression =
  | { kind: 'number'; value: bigint }
  | { kind: 'name'; name: string; at: number }
  | { kind: 'memory'; space: MemorySpace; bytes?: number; address: Expression; at: number }
  | { kind: 'member'; of: Expression; name: string; at: number }
  | { kind: 'index'; of: Expression; index: Expression; at: number }
  | { kind: 'indirect'; of: Expression; at: number }
  | { kind: 'address'; of: Expression; at: number }
  | { kind: 'unary'; operator: UnaryOperator; operand: Expression }
  | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression; at: number };

export type MemorySpace = 'linear' | 'guest-physical' | 'host-physical';
export type UnaryOperator = '!' | '~' | '-';
export type BinaryOperator = (typeof LEVELS)[number][number];

/** From the loosest to the tightest. */
export const LEVELS = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
] as const;

export const SIZES: Record<string, number> = { byte: 1, word: 2, dword: 4, qword: 8 };
export const SPACES: Record<string, MemorySpace> = { gpa: 'guest-physical', hpa: 'host-physical' };

/** What is wrong with an expression, and at which of its characters (from 0). */
export class ExpressionError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}
