/** A reader of debug information that goes on past damage: what is damaged is lost, and told once. */
import { problemText } from './reader';

export class Tolerant {
  /** The first damage that was met. */
  problem: string | undefined;

  /** What `read` answers, or undefined when it meets damage. */
  protected guarded<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.problem ??= problemText(error);
      return undefined;
    }
  }
}
