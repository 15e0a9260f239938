/* Every request that this adapter serves, on one screen. */
import type { Session } from '../session';
import * as breakpoints from './breakpoints';
import * as check from './check';
import * as disassembly from './disassembly';
import * as evaluate from './evaluate';
import * as exits from './exits';
import * as lifecycle from './lifecycle';
import * as memory from './memory';
import * as sources from './sources';
import * as stack from './stack';
import * as stepping from './stepping';
import * as variables from './variables';
import * as vmx from './vmx';

/** What must have happened before a request makes sense. */
export type Need = 'nothing' | 'initialize' | 'launch' | 'stopped';

export interface Handler {
  needs: Need;
  // The arguments are what the client sent; each family narrows them to DAP's type for its request.
  run(session: Session, args: never): unknown;
}

const on = <A>(needs: Need, run: (session: Session, args: A) => unknown): Handler => ({
  needs,
  run: run as Handler['run'],
});

export const requests: Readonly<Record<string, Handler>> = {
  initialize: on('nothing', lifecycle.initialize),
  launch: on('initialize', lifecycle.launch),
  configurationDone: on('launch', lifecycle.configurationDone),
  restart: on('launch', lifecycle.restart),
  terminate: on('initialize', lifecycle.terminate),
  disconnect: on('nothing', lifecycle.disconnect),

  setBreakpoints: on('launch', breakpoints.setBreakpoints),
  setFunctionBreakpoints: on('launch', breakpoints.setFunctionBreakpoints),
  setExceptionBreakpoints: on('launch', breakpoints.setExceptionBreakpoints),
  setInstructionBreakpoints: on('launch', breakpoints.setInstructionBreakpoints),
  setDataBreakpoints: on('launch', breakpoints.setDataBreakpoints),
  dataBreakpointInfo: on('launch', breakpoints.dataBreakpointInfo),
  breakpointLocations: on('launch', breakpoints.breakpointLocations),

  continue: on('stopped', stepping.resume),
  pause: on('launch', stepping.pause),
  next: on('stopped', stepping.next),
  stepIn: on('stopped', stepping.stepIn),
  stepOut: on('stopped', stepping.stepOut),

  threads: on('launch', stack.threads),
  stackTrace: on('stopped', stack.stackTrace),
  exceptionInfo: on('stopped', stack.exceptionInfo),
  scopes: on('stopped', variables.scopes),
  variables: on('stopped', variables.variables),
  setVariable: on('stopped', variables.setVariable),
  evaluate: on('launch', evaluate.evaluateRequest),
  setExpression: on('stopped', evaluate.setExpression),
  completions: on('stopped', evaluate.completions),

  readMemory: on('stopped', memory.readMemoryRequest),
  writeMemory: on('stopped', memory.writeMemoryRequest),
  disassemble: on('stopped', disassembly.disassemble),
  loadedSources: on('launch', sources.loadedSources),
  source: on('launch', sources.sourceText),

  'ringscope/exits': on('launch', exits.exits),
  'ringscope/vmcs': on('stopped', vmx.vmcs),
  'ringscope/walk': on('stopped', vmx.walk),
  'ringscope/check': on('initialize', check.check),
};
