import type { DebugProtocol } from '@vscode/debugprotocol';
import { ExpressionError } from './expression/syntax';
import { UserError } from './protocol/errors';
import type { Message } from './protocol/framing';
import { requests, type Need } from './requests';
import { Session, type Host } from './session';

/** Takes requests, gives responses and events. Knows neither streams nor an editor. */
export class Dispatcher {
  readonly session: Session;
  private sequence = 1;
  private initialized = false;

  constructor(
    host: Host,
    private readonly send: (message: Message) => void,
  ) {
    this.session = new Session(host, (event, body) => this.post({ type: 'event', event, ...(body ? { body } : {}) }));
  }

  async receive(message: Message): Promise<void> {
    if (message.type !== 'request') return; // we send no requests, so there are no responses to take
    const request = message as DebugProtocol.Request;
    try {
      const handler = Object.hasOwn(requests, request.command) ? requests[request.command] : undefined;
      if (!handler) throw new UserError(`the request ${request.command} is not supported`);
      this.require(handler.needs, request.command);
      const body = await handler.run(this.session, (request.arguments ?? {}) as never);
      if (request.command === 'initialize') this.initialized = true;
      this.respond(request, true, body ?? undefined);
    } catch (error) {
      this.respond(request, false, this.failure(request, error));
    }
    this.session.runDeferred();
  }

  private require(need: Need, command: string): void {
    if (need === 'nothing') return;
    if (!this.initialized) throw new UserError(`${command} came before initialize`);
    if (need === 'initialize') return;
    if (!this.session.isLaunched)
      throw new UserError(`${command} needs a launched program: send a launch request first`);
    if (need === 'stopped') this.session.requireStopped();
  }

  private failure(request: DebugProtocol.Request, error: unknown): { error: DebugProtocol.Message } {
    if (error instanceof UserError) return problem(1, error.message, error.show);
    if (error instanceof ExpressionError || error instanceof RangeError) return problem(2, error.message, false);
    // A defect of ours: the message for the user, the place for whoever mends it.
    this.session.output('stderr', `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return problem(
      3,
      `internal error in ${request.command}: ${error instanceof Error ? error.message : String(error)}`,
      true,
    );
  }

  private respond(request: DebugProtocol.Request, success: boolean, body: unknown): void {
    const message = success ? undefined : (body as { error: DebugProtocol.Message }).error.format;
    this.post({
      type: 'response',
      request_seq: request.seq,
      command: request.command,
      success,
      ...(message === undefined ? {} : { message }),
      ...(body === undefined ? {} : { body }),
    });
  }

  private post(message: object): void {
    this.send({ seq: this.sequence++, ...message } as Message);
  }
}

function problem(id: number, format: string, showUser: boolean): { error: DebugProtocol.Message } {
  return { error: { id, format, showUser } };
}
