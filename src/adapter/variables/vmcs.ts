import type { VmcsField } from '../../core/tables/fields';
import { hex, hexOf } from '../target/format';
import type { Target } from '../target/target';
import { fieldBits, fieldMeaning, fieldsOf, fieldWidth, vmcsGroups, writeField } from '../target/vmcs';
import { BitsContainer, bitsText } from './bits';
import type { Container, Variable } from './container';

const EXIT_REASON = 0x4402;

/** A VMCS: its region's header, then the manual's groups. */
export class VmcsScope implements Container {
  constructor(
    private readonly target: Target,
    private readonly address: bigint,
  ) {}

  variables(): Variable[] {
    const vmcs = this.target.machine.vmcs(this.address);
    if (!vmcs) return [];
    const header: Variable[] = [
      {
        name: 'address',
        value: hex(this.address),
        type: 'host-physical',
        memoryReference: `hpa:${hex(this.address)}`,
        readOnly: true,
      },
      { name: 'launch state', value: vmcs.launchState, readOnly: true },
    ];
    const groups = vmcsGroups.map(({ name, type }) => ({
      name,
      value: summary(type, encoding => vmcs.read(encoding)),
      children: new VmcsGroup(this.target, this.address, fieldsOf(type)),
      readOnly: true,
    }));
    return [...header, ...groups];
  }
}

class VmcsGroup implements Container {
  constructor(
    private readonly target: Target,
    private readonly address: bigint,
    private readonly fields: readonly VmcsField[],
  ) {}

  variables(): Variable[] {
    const vmcs = this.target.machine.vmcs(this.address);
    if (!vmcs) return [];
    return this.fields.map(field => {
      const value = vmcs.read(field.encoding);
      const bits = fieldBits(field);
      const decoded = bits.length ? bitsText(value, bits) : '';
      return {
        name: field.name,
        value: [hexOf(value, fieldWidth(field)), fieldMeaning(field, value) ?? decoded].filter(Boolean).join(' '),
        type: `${field.title}, encoding ${hex(field.encoding, 4)}`,
        evaluateName: field.name,
        ...(bits.length
          ? {
              children: new BitsContainer(
                () => this.target.machine.vmcs(this.address)?.read(field.encoding),
                bits,
                field.name,
                written => this.write(field, written),
              ),
            }
          : {}),
      };
    });
  }

  set(name: string, value: bigint): void {
    this.write(
      this.fields.find(field => field.name === name)!,
      value,
    );
  }

  private write(field: VmcsField, value: bigint): void {
    writeField(this.target.machine, this.address, field, value);
  }
}

/** What a closed group says of its contents. */
function summary(type: VmcsField['type'], read: (encoding: number) => bigint): string {
  switch (type) {
    case 'guest state':
      return `rip ${hex(read(0x681e))}, rsp ${hex(read(0x681c))}, cr3 ${hex(read(0x6802))}`;
    case 'host state':
      return `rip ${hex(read(0x6c16))}, rsp ${hex(read(0x6c14))}, cr3 ${hex(read(0x6c02))}`;
    case 'control':
      return `pin ${hex(read(0x4000))}, processor ${hex(read(0x4002))}, exit ${hex(read(0x400c))}, entry ${hex(read(0x4012))}`;
    default:
      return `reason ${hex(read(EXIT_REASON))}, qualification ${hex(read(0x6400))}`;
  }
}
