/** Checks on guest segment registers (SDM 3C 26.3.1.2). "Usable" means bit 16 of the access rights is 0. */
import { checkGroup, type EntryCheck } from './row';

const shared = { section: '26.3.1.2', failure: 'exit 33' } as const;
const six = ['CS', 'SS', 'DS', 'ES', 'FS', 'GS'];
const names = (segments: string[], part: string): string => segments.map(name => `GUEST_${name}_${part}`).join(' ');

export const guestSegmentChecks: readonly EntryCheck[] = [
  ...checkGroup(
    { group: 45, ...shared },
    {
      name: 'TR_TI',
      fields: 'GUEST_TR_SELECTOR',
      rule: 'TI (bit 2) of the TR selector is 0',
      legal: 'a GDT selector',
      zeros: 4n,
    },
    {
      name: 'LDTR_TI',
      fields: 'GUEST_LDTR_SELECTOR',
      rule: 'if LDTR is usable, TI (bit 2) of its selector is 0',
      legal: 'a GDT selector, or LDTR unusable',
      zeros: 4n,
    },
    {
      name: 'SS_RPL',
      fields: 'GUEST_SS_SELECTOR',
      rule: 'RPL of SS equals RPL of CS, except in virtual-8086 mode and with "unrestricted guest"',
      legal: 'bits 1:0 equal to those of the CS selector',
    },
  ),
  ...checkGroup(
    { group: 46, ...shared },
    {
      name: 'V86_BASE',
      fields: names(six, 'BASE'),
      rule: 'in virtual-8086 mode a segment base is the selector times 16',
      legal: 'selector << 4',
    },
    {
      name: 'V86_LIMIT',
      fields: names(six, 'LIMIT'),
      rule: 'in virtual-8086 mode a segment limit is 0xFFFF',
      legal: '0xFFFF',
    },
    {
      name: 'V86_ACCESS_RIGHTS',
      fields: names(six, 'ACCESS_RIGHTS'),
      rule: 'in virtual-8086 mode access rights are those of a writable data segment of DPL 3',
      legal: '0xF3',
    },
  ),
  ...checkGroup(
    { group: 47, ...shared },
    {
      name: 'SEGMENT_BASE_CANONICAL',
      fields: names(['TR', 'FS', 'GS', 'LDTR'], 'BASE'),
      rule: 'bases of TR, FS, GS and a usable LDTR are canonical',
      legal: 'bits 63:47 all equal',
    },
    {
      name: 'SEGMENT_BASE_HIGH',
      fields: names(['CS', 'SS', 'DS', 'ES'], 'BASE'),
      rule: 'bits 63:32 of the bases of CS and of usable SS, DS, ES are 0',
      legal: 'a base below 4 GByte',
      zeros: 0xffffffff00000000n,
    },
  ),
  ...checkGroup(
    { group: 48, ...shared },
    {
      name: 'CS_TYPE',
      fields: 'GUEST_CS_ACCESS_RIGHTS',
      rule: 'CS is an accessed code segment; with "unrestricted guest" it may be an accessed read/write data segment',
      legal: 'type 9, 11, 13, 15 (or 3)',
    },
    {
      name: 'SS_TYPE',
      fields: 'GUEST_SS_ACCESS_RIGHTS',
      rule: 'if SS is usable, it is an accessed read/write data segment',
      legal: 'type 3 or 7',
    },
    {
      name: 'DATA_SEGMENT_ACCESSED',
      fields: names(['DS', 'ES', 'FS', 'GS'], 'ACCESS_RIGHTS'),
      rule: 'if DS, ES, FS or GS is usable, it is accessed',
      legal: 'bit 0 of the type set',
      ones: 1n,
    },
    {
      name: 'DATA_SEGMENT_READABLE',
      fields: names(['DS', 'ES', 'FS', 'GS'], 'ACCESS_RIGHTS'),
      rule: 'if DS, ES, FS or GS is usable and a code segment, it is readable',
      legal: 'bit 1 of the type set if bit 3 is set',
    },
  ),
  ...checkGroup(
    { group: 49, ...shared },
    {
      name: 'SEGMENT_S',
      fields: names(six, 'ACCESS_RIGHTS'),
      rule: 'S (bit 4) is 1 for CS and for usable data segments',
      legal: 'set bit 4',
      ones: 0x10n,
    },
    {
      name: 'SEGMENT_PRESENT',
      fields: names(six, 'ACCESS_RIGHTS'),
      rule: 'P (bit 7) is 1 for CS and for usable data segments',
      legal: 'set bit 7, or make the segment unusable (bit 16)',
      ones: 0x80n,
    },
    {
      name: 'SEGMENT_RESERVED',
      fields: names(six, 'ACCESS_RIGHTS'),
      rule: 'bits 11:8 and 31:17 of the access rights of CS and of usable data segments are 0',
      legal: 'those bits clear',
      zeros: 0xfffe0f00n,
    },
    {
      name: 'CS_D_WITH_L',
      fields: 'GUEST_CS_ACCESS_RIGHTS',
      rule: 'if "IA-32e mode guest" and CS.L are 1, CS.D is 0',
      legal: 'clear D (bit 14) or L (bit 13)',
    },
    {
      name: 'SEGMENT_GRANULARITY',
      fields: names(six, 'ACCESS_RIGHTS'),
      rule: 'G (bit 15) fits the limit: 0 if any of bits 11:0 of the limit is 0, 1 if any of bits 31:20 is 1',
      legal: 'a byte-granular limit below 1 MByte, or a limit ending in FFF with G',
    },
  ),
  ...checkGroup(
    { group: 50, ...shared },
    {
      name: 'CS_DPL',
      fields: 'GUEST_CS_ACCESS_RIGHTS',
      rule: 'DPL of CS is 0 for type 3, equals DPL of SS for types 9 and 11, and is not above it for types 13 and 15',
      legal: 'a DPL that fits SS',
    },
    {
      name: 'SS_DPL_RPL',
      fields: 'GUEST_SS_ACCESS_RIGHTS',
      rule: 'DPL of SS equals its RPL, except with "unrestricted guest"',
      legal: 'bits 6:5 equal to bits 1:0 of the SS selector',
    },
    {
      name: 'SS_DPL_ZERO',
      fields: 'GUEST_SS_ACCESS_RIGHTS',
      rule: 'DPL of SS is 0 if CS has type 3 or guest CR0.PE is 0',
      legal: 'bits 6:5 clear',
      zeros: 0x60n,
    },
    {
      name: 'DATA_SEGMENT_DPL',
      fields: names(['DS', 'ES', 'FS', 'GS'], 'ACCESS_RIGHTS'),
      rule: 'DPL of a usable data or non-conforming code segment is at least its RPL, except with "unrestricted guest"',
      legal: 'DPL not below RPL',
    },
  ),
  ...checkGroup(
    { group: 51, ...shared },
    {
      name: 'TR_TYPE',
      fields: 'GUEST_TR_ACCESS_RIGHTS',
      rule: 'TR is a busy TSS: type 11, or 3 (16-bit) if "IA-32e mode guest" is 0',
      legal: 'type 11 (or 3)',
    },
    {
      name: 'TR_FIXED',
      fields: 'GUEST_TR_ACCESS_RIGHTS',
      rule: 'TR is a present, usable system segment: S is 0, P is 1, bit 16 is 0, bits 11:8 and 31:17 are 0',
      legal: '0x8B for a busy 32-bit or 64-bit TSS',
      ones: 0x80n,
      zeros: 0xffff0f10n,
    },
    {
      name: 'TR_GRANULARITY',
      fields: 'GUEST_TR_ACCESS_RIGHTS',
      rule: 'G (bit 15) of TR fits the limit: 0 if any of bits 11:0 is 0, 1 if any of bits 31:20 is 1',
      legal: 'G clear for a limit such as 0x67',
    },
    {
      name: 'LDTR_TYPE',
      fields: 'GUEST_LDTR_ACCESS_RIGHTS',
      rule: 'if LDTR is usable, it has type 2 (LDT)',
      legal: '0x82, or bit 16 set for "unusable"',
    },
    {
      name: 'LDTR_FIXED',
      fields: 'GUEST_LDTR_ACCESS_RIGHTS',
      rule: 'if LDTR is usable, S is 0, P is 1, bits 11:8 and 31:17 are 0',
      legal: '0x82, or bit 16 set for "unusable"',
      ones: 0x80n,
      zeros: 0xfffe0f10n,
    },
    {
      name: 'LDTR_GRANULARITY',
      fields: 'GUEST_LDTR_ACCESS_RIGHTS',
      rule: 'if LDTR is usable, G (bit 15) fits the limit: 0 if any of bits 11:0 is 0, 1 if any of bits 31:20 is 1',
      legal: 'G clear for a limit below 1 MByte',
    },
  ),
];
