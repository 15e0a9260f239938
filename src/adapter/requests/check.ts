import { assemble } from '../../program/nasm/assemble';
import type { CheckArguments, CheckResponse } from '../protocol/custom';
import { UserError } from '../protocol/errors';
import type { Session } from '../session';

export function check(session: Session, args: CheckArguments): CheckResponse {
  if (typeof args.path !== 'string') throw new UserError('ringscope/check needs a path');
  const { diagnostics, sources } = assemble(args.path, session.host.files(args.open), { defines: args.defines ?? {} });
  return { version: 1, diagnostics, sources };
}
