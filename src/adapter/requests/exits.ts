import type { ExitRecord, ExitsArguments, ExitsResponse } from '../protocol/custom';
import type { Session } from '../session';
import { exitDetail } from '../target/exit-detail';
import type { Exit } from '../target/exits';
import { hex } from '../target/format';
import { exitName } from '../target/frames';
import type { Target } from '../target/target';

const PAGE = 100;
const LARGEST_PAGE = 10_000;
const EPT_VIOLATION = 48;
const EPT_MISCONFIG = 49;
/** Bit 7 of an EPT violation's qualification: the guest-linear address is valid. */
const LINEAR_VALID = 0x80n;

export function exits(session: Session, args: ExitsArguments): ExitsResponse {
  const { target } = session;
  const log = target.exits;
  const count = Math.min(Math.max(args.count ?? PAGE, 0), LARGEST_PAGE);
  const page = log.page(args.from ?? log.first, count);
  return { version: 1, total: log.total, first: log.first, exits: page.map(exit => record(target, exit)) };
}

function record(target: Target, { sequence, fact, entered }: Exit): ExitRecord {
  const ept = fact.reason === EPT_VIOLATION || fact.reason === EPT_MISCONFIG;
  const linear = fact.reason === EPT_VIOLATION && fact.qualification & LINEAR_VALID;
  // The guest may since have changed its page tables; the program's own address is what was there when it was loaded.
  const place = target.locateRemembered(fact.guestLinearRip);
  const symbol = place?.module.describe(place.address);
  const row = place?.module.lines.at(place.address);
  return {
    sequence,
    instruction: fact.instruction.toString(),
    cpu: fact.cpu,
    reason: fact.reason,
    name: exitName(fact.reason),
    qualification: hex(fact.qualification),
    detail: exitDetail(fact).map(({ name, text }) => ({ name, value: text })),
    guestRip: hex(fact.guestRip),
    ...(linear ? { guestLinear: hex(fact.guestLinear) } : {}),
    ...(ept ? { guestPhysical: hex(fact.guestPhysical) } : {}),
    vmcs: hex(fact.vmcs),
    instructionLength: fact.instructionLength,
    ...(entered === undefined ? {} : { hypervisorInstructions: (entered - fact.instruction).toString() }),
    ...(symbol ? { symbol } : {}),
    ...(row ? { source: { path: row.file, line: row.line } } : {}),
  };
}
