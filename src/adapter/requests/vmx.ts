import type { VmcsArguments, VmcsResponse, WalkArguments, WalkResponse } from '../protocol/custom';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';
import { hex } from '../target/format';
import { fieldBits, fieldsOf, fieldWidth, vmcsGroups } from '../target/vmcs';
import { extract } from '../variables/bits';

export function vmcs(session: Session, args: VmcsArguments): VmcsResponse {
  const { machine, cpu } = session.target;
  const address = args.address === undefined ? machine.currentVmcs(cpu) : parseAddress(args.address);
  if (address === undefined) throw new UserError('there is no current VMCS: VMPTRLD has not been executed');
  const found = machine.vmcs(address);
  if (!found) throw new UserError(`no VMCS lies at host-physical ${hex(address)}`);
  return {
    version: 1,
    address: hex(address),
    revision: hex(found.revision),
    launchState: found.launchState,
    groups: vmcsGroups.map(({ name, type }) => ({
      name,
      fields: fieldsOf(type).map(field => {
        const value = found.read(field.encoding);
        return {
          encoding: hex(field.encoding, 4),
          name: field.name,
          width: fieldWidth(field),
          value: hex(value),
          bits: fieldBits(field).map(bit => ({ name: bit.name, value: hex(extract(value, bit)) })),
        };
      }),
    })),
  };
}

export function walk(session: Session, args: WalkArguments): WalkResponse {
  const { target } = session;
  if (!['linear', 'guest-physical'].includes(args.space))
    throw new UserError(`space ${args.space}: write linear or guest-physical`);
  if (!['read', 'write', 'execute'].includes(args.access))
    throw new UserError(`access ${args.access}: write read, write or execute`);
  const { context } = session.frame(args.frameId).view;
  const cpl = args.user === undefined ? context.cpl : args.user ? 3 : 0;
  const record = target.machine.walk(parseAddress(args.address), args.space, args.access, { ...context, cpl });
  const { result } = record;
  return {
    version: 1,
    steps: record.steps.map(step => ({
      reference: step.reference,
      dimension: step.dimension,
      level: step.level,
      entryAddress: hex(step.entryAddress),
      entrySpace: step.entrySpace,
      ...(step.guestPhysical === undefined ? {} : { guestPhysical: hex(step.guestPhysical) }),
      value: hex(step.value),
      flags: step.flags,
      ...(step.pageSize === undefined ? {} : { pageSize: step.pageSize }),
      verdict: step.verdict,
    })),
    references: record.references,
    guestReferences: record.guestReferences,
    eptReferences: record.eptReferences,
    result: result.ok
      ? { ok: true, address: hex(result.address), guestPhysical: hex(result.guestPhysical) }
      : { ok: false, fault: { kind: result.fault.kind, code: hex(result.fault.code), detail: result.fault.detail } },
  };
}

function parseAddress(text: string): bigint {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new UserError(`${text} is no address: write it as 0x1000`);
  return BigInt.asUintN(64, BigInt(text));
}
