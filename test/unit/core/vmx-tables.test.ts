import * as assert from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { capabilities } from '../../../src/core/tables/capabilities';
import { entryChecks } from '../../../src/core/tables/checks';
import { allowed1, controlWord, controlWords } from '../../../src/core/tables/controls';
import { exitReason, exitReasonNamed } from '../../../src/core/tables/exits';
import { vmcsField, vmcsFieldNamed, vmcsFields } from '../../../src/core/tables/fields';
import { decodeInformation } from '../../../src/core/tables/information';
import { decodeInterruption } from '../../../src/core/tables/interruptions';
import { fieldBytes, fieldOffset } from '../../../src/core/tables/layout';
import { decodeQualification } from '../../../src/core/tables/qualifications';
import { vmcsFieldBits } from '../../../src/core/tables/bits';
import { readVmcsField, readVmcsHeader, vmcsGroups, writeVmcsField } from '../../../src/core/vmcs';

const capability = (msr: number): bigint => capabilities.find(row => row.msr === msr)!.value;
/** Details as `name=text` words. */
const words = (details: { name: string; text: string }[]): string =>
  details.map(detail => `${detail.name}=${detail.text}`).join(' ');

describe('VMCS fields', () => {
  it('have the width, type and index that their encodings say (SDM 3C 24.11.2)', () => {
    const rip = vmcsFieldNamed('guest_rip')!;
    assert.deepStrictEqual([rip.encoding, rip.width, rip.type, rip.index], [0x681e, 'natural', 'guest state', 15]);
    const reason = vmcsFieldNamed('EXIT_REASON')!;
    assert.deepStrictEqual([reason.encoding, reason.width, reason.type], [0x4402, 32, 'read-only data']);
    assert.strictEqual(vmcsField(0x201b)?.name, 'EPTP', 'an odd encoding is the high half of its field');
    assert.strictEqual(vmcsField(0x4404)?.name, 'EXIT_INTERRUPTION_INFORMATION');
    assert.strictEqual(vmcsField(0x4004)?.name, 'EXCEPTION_BITMAP');
  });

  it('lie in the region without overlapping, behind the header', () => {
    const taken = new Set<number>();
    for (const field of vmcsFields) {
      const at = fieldOffset(field.encoding);
      assert.ok(at >= 0x40 && at + fieldBytes(field.width) <= 4096, field.name);
      assert.strictEqual(at % fieldBytes(field.width), 0, `${field.name} is aligned`);
      for (let n = 0; n < fieldBytes(field.width); n++) {
        assert.ok(!taken.has(at + n), `${field.name} overlaps at ${at + n}`);
        taken.add(at + n);
      }
    }
  });

  it('are read and written by encoding, high halves included', () => {
    const region = new Uint8Array(4096);
    writeVmcsField(region, 0x681e, 0xffff800012345678n);
    writeVmcsField(region, 0x201a, 0x1122334455667788n);
    writeVmcsField(region, 0x0802, 0x12345n);
    assert.strictEqual(readVmcsField(region, 0x681e), 0xffff800012345678n);
    assert.strictEqual(readVmcsField(region, 0x201a), 0x1122334455667788n);
    assert.strictEqual(readVmcsField(region, 0x201b), 0x11223344n);
    assert.strictEqual(readVmcsField(region, 0x0802), 0x2345n, 'cut to 16 bits');
    writeVmcsField(region, 0x201b, 0xaabbccddn);
    assert.strictEqual(readVmcsField(region, 0x201a), 0xaabbccdd55667788n);
    assert.deepStrictEqual(readVmcsHeader(region), { revision: 0, abort: 0, launched: false });
    assert.throws(() => readVmcsField(region, 0x6ffe), /no VMCS field 0x6ffe/);
  });

  it('appear in exactly one group each if they exist', () => {
    const shown = vmcsGroups.flatMap(group => group.fields.map(field => field.name));
    assert.strictEqual(new Set(shown).size, shown.length);
    assert.deepStrictEqual(
      vmcsFields
        .filter(field => field.supported)
        .map(field => field.name)
        .sort(),
      [...shown].sort(),
    );
    assert.ok(!shown.includes('PML_ADDRESS'), 'a field of a control that is not announced does not exist');
  });

  it('know their bits', () => {
    const bits = vmcsFieldBits(vmcsFieldNamed('SECONDARY_CONTROLS')!);
    assert.deepStrictEqual(bits.find(bit => bit.name === 'enable VPID')?.low, 5);
    assert.ok(vmcsFieldBits(vmcsFieldNamed('GUEST_CS_ACCESS_RIGHTS')!).some(bit => bit.name === 'unusable'));
  });
});

describe('VMX capability MSRs', () => {
  it('announce the manual’s default1 bits (SDM 3D A.2)', () => {
    assert.strictEqual(capability(0x481) & 0xffffffffn, 0x16n);
    assert.strictEqual(capability(0x482) & 0xffffffffn, 0x0401e172n);
    assert.strictEqual(capability(0x483) & 0xffffffffn, 0x36dffn);
    assert.strictEqual(capability(0x484) & 0xffffffffn, 0x11ffn);
    assert.strictEqual(capability(0x48e) & 0xffffffffn, 0x04006172n);
    assert.strictEqual(capability(0x48f) & 0xffffffffn, 0x36dfbn);
    assert.strictEqual(capability(0x490) & 0xffffffffn, 0x11fbn);
  });

  it('allow every bit that must be 1, and only announced controls besides', () => {
    for (const word of controlWords) {
      const high = capability(word.msr) >> 32n;
      assert.strictEqual(high, BigInt(allowed1(word)), word.title);
      assert.strictEqual(high & BigInt(word.default1), BigInt(word.default1), word.title);
      for (const control of word.controls) {
        if ((word.default1 >>> control.bit) & 1) continue;
        assert.strictEqual(((high >> BigInt(control.bit)) & 1n) === 1n, control.announced, control.title);
      }
    }
  });

  it('say that secondary controls and the TRUE MSRs exist', () => {
    assert.ok((capability(0x482) >> 63n) & 1n);
    assert.ok((capability(0x480) >> 55n) & 1n);
    assert.strictEqual(capability(0x480) & 0x80000000n, 0n, 'bit 31 of the revision identifier is 0');
  });
});

describe('the table of VM-entry checks', () => {
  it('covers the 59 groups in order, with unique ids and names', () => {
    const groups = [...new Set(entryChecks.map(check => check.group))];
    assert.deepStrictEqual(
      [...groups].sort((a, b) => a - b),
      Array.from({ length: 59 }, (_, n) => n + 1),
    );
    assert.deepStrictEqual(
      groups,
      [...groups].sort((a, b) => a - b),
      'in the manual’s order',
    );
    assert.strictEqual(new Set(entryChecks.map(check => check.id)).size, entryChecks.length);
    assert.strictEqual(new Set(entryChecks.map(check => check.name)).size, entryChecks.length);
  });

  it('names fields that exist in the field table', () => {
    for (const check of entryChecks) {
      for (const name of check.fields) {
        const field = vmcsFieldNamed(name);
        assert.ok(field, `${check.name}: ${name}`);
        if (check.enforced) assert.ok(field.supported, `${check.name} is enforced on ${name}, which does not exist`);
      }
    }
  });

  it('is enforced row by row in the core, except for features that are not announced', () => {
    const root = 'src/core/assembly/vmx';
    const source = readdirSync(root, { recursive: true })
      .map(name => path.join(root, `${name}`))
      .filter(name => name.endsWith('.ts'))
      .map(name => readFileSync(name, 'utf8'))
      .join('\n');
    const enforced = new Set([...source.matchAll(/\bCheck\.([A-Z0-9_]+)/g)].map(match => match[1]));
    // #UD and #GP(0) leave no trace in the entry state: they are exceptions, with their own tests.
    const faults = ['NOT_IN_VMX_OPERATION', 'PRIVILEGE'];
    for (const check of entryChecks) {
      if (faults.includes(check.name)) continue;
      assert.strictEqual(enforced.has(check.name), check.enforced, check.name);
    }
    const names = entryChecks.map(check => check.name);
    for (const name of enforced) assert.ok(names.includes(name), `${name} is in the table`);
  });

  it('lists what is not enforced, and why', () => {
    const open = entryChecks.filter(check => !check.enforced);
    assert.deepStrictEqual(
      open.map(check => `${check.id} ${check.name}`),
      [
        '1201 VIRTUAL_APIC_ADDRESS',
        '1202 TPR_THRESHOLD_RESERVED',
        '1203 TPR_THRESHOLD_ABOVE_VTPR',
        '1301 APIC_VIRTUALIZATION_WITHOUT_TPR_SHADOW',
        '1302 X2APIC_WITH_APIC_ACCESSES',
        '1401 DELIVERY_WITHOUT_INTERRUPT_EXITING',
        '1501 APIC_ACCESS_ADDRESS',
        '1601 POSTED_INTERRUPT_CONTROLS',
        '1602 POSTED_INTERRUPT_VECTOR',
        '1603 POSTED_INTERRUPT_DESCRIPTOR',
        '1805 EPTP_ACCESSED_DIRTY',
        '2001 EXECUTE_CONTROL_WITHOUT_EPT',
        '2101 PML_WITHOUT_EPT',
        '2102 PML_ADDRESS',
        '2201 SUB_PAGE_PERMISSIONS',
        '2301 VIRTUALIZATION_EXCEPTION_ADDRESS',
        '2401 VM_FUNCTIONS',
        '2501 SHADOWING_BITMAPS',
        '2601 TSC_MULTIPLIER',
        '3101 SMM_CONTROLS',
        '4001 HOST_PERF_GLOBAL_CTRL',
        '4002 HOST_CET',
        '4003 HOST_PKRS',
        '4406 GUEST_PERF_GLOBAL_CTRL',
        '4407 GUEST_BNDCFGS',
        '4408 GUEST_CET',
        '5405 ACTIVITY_IN_SMM',
        '5508 NMI_WITH_STI',
      ],
    );
    const titles = controlWords.flatMap(word => word.controls.map(control => ({ ...control, word: word.name })));
    for (const check of open) {
      const title = /^"(.+)" is not announced$/.exec(check.because!)?.[1];
      if (!title) continue;
      const controls = titles.filter(control => control.title === title);
      assert.ok(controls.length > 0 && controls.every(control => !control.announced), `${check.name}: ${title}`);
    }
  });
});

describe('exit reasons and qualifications', () => {
  it('are found by number and by id', () => {
    assert.strictEqual(exitReason(0x80000021)?.id, 'ENTRY_FAIL_GUEST_STATE');
    assert.strictEqual(exitReasonNamed('ept_violation')?.number, 48);
    assert.strictEqual(exitReason(35), undefined);
  });

  const cases: [reason: number, qualification: bigint, text: string][] = [
    [30, 0x03f80008n, 'port=0x3f8 size=1 in=yes string=no rep=no operand=DX'],
    [30, 0x00f40043n, 'port=0xf4 size=4 in=no string=no rep=no operand=immediate'],
    [28, 0x0000_0203n, 'cr=CR3 access=MOV to CR register=RDX'],
    [28, 0x0000_0f18n, 'cr=CR8 access=MOV from CR register=R15'],
    [28, 0x20n, 'cr=CR0 access=CLTS'],
    [28, 0xabcd_0070n, 'cr=CR0 access=LMSW memory=yes source=0xabcd'],
    [29, 0x0000_0317n, 'dr=DR7 access=MOV from DR register=RBX'],
    [9, 0x4000_0028n, 'selector=0x28 source=IRET'],
    [
      48,
      0x182n,
      'read=no write=yes execute=no readable=no writable=no executable=no linearValid=yes translation=the address itself nmiUnblocking=no',
    ],
    [33, 4n, 'cause=VMCS link pointer'],
    [14, 0x7ff000n, 'address=0x7ff000'],
    [10, 0n, ''],
  ];
  for (const [reason, qualification, text] of cases) {
    it(`decode ${exitReason(reason)!.id} 0x${qualification.toString(16)}`, () => {
      assert.strictEqual(words(decodeQualification(reason, qualification)), text);
    });
  }

  it('of reason 0 depend on the vector', () => {
    assert.strictEqual(words(decodeQualification(0, 0x1234n, 0x80000b0e)), 'address=0x1234');
    assert.strictEqual(words(decodeQualification(0, 0x4001n, 0x80000301)), 'b0=yes b1=no b2=no b3=no bd=no bs=yes');
    assert.strictEqual(words(decodeQualification(0, 0n, 0x80000306)), '');
  });

  it('come with decoded information fields', () => {
    assert.strictEqual(
      words(decodeInterruption(0x80000b0e)),
      'vector=14 #PF type=hardware exception errorCode=yes nmiUnblocking=no',
    );
    assert.strictEqual(
      words(decodeInterruption(0x80000041)),
      'vector=0x41 type=external interrupt errorCode=no nmiUnblocking=no',
    );
    assert.deepStrictEqual(decodeInterruption(0x0b0e), []);
    // VMREAD [rax+rcx*4], rdx in 64-bit mode
    assert.strictEqual(
      words(decodeInformation(23, (2 << 28) | (0 << 23) | (1 << 18) | (3 << 15) | (2 << 7) | 2)),
      'addressSize=64 bits segment=DS index=RCX scale=4 base=RAX field=RDX',
    );
    assert.strictEqual(words(decodeInformation(25, (3 << 28) | (1 << 10) | (6 << 3))), 'register=RSI field=RBX');
  });
});

describe('control words', () => {
  it('have the bits that the manual gives', () => {
    const bit = (word: 'Primary' | 'Secondary' | 'Exit' | 'Entry' | 'Pin', name: string): number =>
      controlWord(word).controls.find(control => control.name === name)!.bit;
    assert.strictEqual(bit('Primary', 'USE_MSR_BITMAPS'), 28);
    assert.strictEqual(bit('Primary', 'UNCONDITIONAL_IO_EXITING'), 24);
    assert.strictEqual(bit('Secondary', 'UNRESTRICTED_GUEST'), 7);
    assert.strictEqual(bit('Exit', 'SAVE_DEBUG_CONTROLS'), 2);
    assert.strictEqual(bit('Entry', 'IA32E_MODE_GUEST'), 9);
  });
});
