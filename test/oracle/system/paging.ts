/** Cases about 32-bit and PAE paging: one access through random entries, with its error code, CR2, accessed and dirty bits. */
import { Random } from '../../random';
import type { Case } from './program';

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const bit = (n: number): bigint => 1n << BigInt(n);

/** Flags of an entry: present, writable and user more often than not. */
function flags(random: Random, reserved: readonly number[], nx: boolean): bigint {
  let value = 0n;
  if (random.chance(0.93)) value |= bit(0);
  if (random.chance(0.7)) value |= bit(1);
  if (random.chance(0.7)) value |= bit(2);
  for (const n of [3, 4, 5, 6, 8, 9, 10, 11]) if (random.chance(0.3)) value |= bit(n);
  if (nx && random.chance(0.25)) value |= bit(63);
  if (reserved.length && random.chance(0.06)) value |= bit(random.pick(reserved));
  return value;
}

const ACCESSES = {
  read: 'mov al, [edi]',
  'read of 4 bytes': 'mov eax, [edi]',
  write: 'mov byte [edi], 0xcd',
  'read and write': 'or dword [edi], 0',
  execute: 'jmp edi',
} as const;

/** The frames of 4-KByte and of large pages (runner.asm fills them). */
const FRAME = 0x50000n;
const LARGE_FRAME = 0x800000n;

export function pagingCase(random: Random): Case {
  const pae = random.chance(0.55);
  const bytes = pae ? 8 : 4;
  const pse = random.chance(0.7);
  const nxe = pae && random.chance(0.7);
  const large = random.chance(0.3);
  const usesLarge = large && (pae || pse);
  // Bits from 40 on are beyond every processor's physical addresses; without PAE bit 21 of a large page is reserved.
  const high = pae ? [45, 50, 52, 58, 62, ...(nxe ? [] : [63])] : [];
  const directoryReserved = usesLarge ? (pae ? [...high, 13, 20] : [21]) : high;
  const index = random.below(pae ? 512 : 1024);
  const region = pae ? 0x200000 : 0x400000;
  const offset = random.pick([0, 0, 0x123, 0x800, 0xffc, 0xffe]) & (random.chance(0.8) ? ~3 : ~1);
  const linear = region + (usesLarge ? 0 : index * 0x1000) + offset;
  const pde =
    flags(random, directoryReserved, nxe) | (large ? bit(7) | (usesLarge ? LARGE_FRAME : 0x42000n) : 0x42000n);
  const pte = flags(random, high, nxe) | FRAME | (random.chance(0.2) ? bit(7) : 0n);
  const wp = random.chance(0.6);
  const smep = random.chance(0.4);
  const smap = random.chance(0.4);
  const user = random.chance(0.5);
  const ac = !user && random.chance(0.4);
  const access = random.pick(Object.keys(ACCESSES) as (keyof typeof ACCESSES)[]);
  const cr4 = (pse ? 0x10 : 0) | (pae ? 0x20 : 0) | (smep ? 1 << 20 : 0) | (smap ? 1 << 21 : 0);
  const store = (at: number, value: bigint): string =>
    `mov dword [${hex(at)}], ${hex(value & 0xffffffffn)}${pae ? `\nmov dword [${hex(at + 4)}], ${hex(value >> 32n)}` : ''}`;
  const code = `mov ebx, ${bytes}
call identity
${store(0x40000, 0x41007n)}
${store(0x40000 + bytes, pde)}
${store(0x42000 + index * bytes, pte)}
${pae ? 'mov dword [0x44000], 0x40001\nmov dword [0x44004], 0' : ''}
mov esi, .access
mov edi, VIRTUAL
mov ecx, .accessed - .access
rep movsb
${nxe ? 'mov ecx, 0xc0000080\nmov eax, 0x800\nxor edx, edx\nwrmsr' : ''}
mov eax, ${hex(cr4)}
mov cr4, eax
mov eax, ${pae ? '0x44000' : '0x40000'}
mov cr3, eax
mov eax, ${hex(0x80000011 + (wp ? 0x10000 : 0))}
mov cr0, eax
xor eax, eax
mov edi, ${hex(linear)}
${ac ? 'push dword 0x40002\npopfd' : ''}
${user ? 'mov ax, DATA3\nmov ds, ax\nxor eax, eax\nouter CODE3, DATA3, VIRTUAL, STACK3' : ''}
.access: ${ACCESSES[access]}
int 0x30
.accessed:`;
  return {
    name: `${pae ? 'PAE' : '32-bit'} paging: ${access} of ${hex(linear)} at CPL ${user ? 3 : 0}, PDE ${hex(pde)}, PTE ${hex(pte)}, CR4 ${hex(cr4)}${wp ? ', WP' : ''}${nxe ? ', NXE' : ''}${ac ? ', AC' : ''}`,
    code,
  };
}

/** `count` random cases; the same for the same seed. */
export function pagingCases(seed: number, count: number): Case[] {
  const random = new Random(seed);
  const cases = Array.from({ length: count }, () => pagingCase(random));
  cases[0].code = `jmp first_case\nreturning: iretd\nfirst_case:\n${cases[0].code}`;
  return cases;
}
