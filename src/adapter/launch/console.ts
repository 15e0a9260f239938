import type { Machine } from '../../machine/machine';
import type { Session } from '../session';

/** Accesses to nowhere that are told one by one; after that the program is probably probing. */
const MOST_NOTES = 20;

/** What the program writes, and what it touches that is not there, on its way to the Debug Console. */
export class Console {
  /** Serial bytes may end in the middle of a character. */
  private readonly decoder = new TextDecoder();
  private text = '';
  private notes = 0;

  constructor(
    private readonly session: Session,
    machine: Machine,
  ) {
    machine.onSerial(bytes => void (this.text += this.decoder.decode(bytes, { stream: true })));
    machine.onUnclaimed(message => {
      if (this.notes++ < MOST_NOTES) session.output('console', `${message}\n`);
    });
  }

  /** Sends what has gathered. Called between slices of a run, so that one event carries many characters. */
  flush(): void {
    if (!this.text) return;
    this.session.output('stdout', this.text);
    this.text = '';
  }
}
