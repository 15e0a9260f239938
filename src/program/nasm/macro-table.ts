/** The multi-line macros by name. */
import { bindParameters, nameMatches, parseMacroHeader, type Macro } from './macro';
import type { Token } from './token';

/** What a line calls. Without `macro`, `note` says why the macro of that name is not called. */
export interface MacroCall {
  /** Index of the name's token. */
  at: number;
  macro?: Macro;
  parameters?: Token[][];
  note?: string;
}

export class MacroTable {
  /** By name in lower case; a name may be defined per number of parameters. */
  private readonly macros = new Map<string, Macro[]>();

  add(macro: Macro): void {
    const key = macro.name.toLowerCase();
    const others = (this.macros.get(key) ?? []).filter(
      m => !(m.name === macro.name && m.least === macro.least && m.most === macro.most),
    );
    this.macros.set(key, [macro, ...others]);
  }

  remove(name: string): void {
    this.macros.delete(name.toLowerCase());
  }

  private named(name: string): Macro[] {
    const list = this.macros.get(name.toLowerCase());
    return list ? list.filter(macro => nameMatches(macro, name)) : [];
  }

  /** Whether a macro fits a header NAME [COUNT[-MOST]], as `%ifmacro` asks. */
  has(header: readonly Token[]): boolean {
    const wanted = parseMacroHeader(header, '', { file: '', line: 0, text: '', tokens: [] });
    if (header.length === 1) wanted.most = Infinity;
    return this.named(wanted.name).some(m => m.least <= wanted.most && wanted.least <= m.most);
  }

  /** The macro call in a line: at its start, or behind a label. `isOpen` tells whether the line stands in a macro's body. */
  findCall(tokens: readonly Token[], isOpen: (macro: Macro) => boolean): MacroCall | undefined {
    let note: { at: number; note: string } | undefined;
    for (const at of [0, 1, 2]) {
      const token = tokens[at];
      if (token?.kind !== 'name' || token.escaped) {
        if (at === 1 && token?.text === ':') continue;
        return note;
      }
      if (at === 2 && tokens[1].text !== ':') return note;
      const list = this.named(token.text);
      const rest = tokens.slice(at + 1);
      // `name:` is a label even if there is a macro of that name.
      if (list.length === 0 || (at === 0 && rest[0]?.text === ':' && rest[0].kind === 'operator')) continue;
      for (const macro of list) {
        const parameters = bindParameters(macro, rest);
        // In its own body a macro's name is the instruction of that name, unless the macro may call itself.
        if (parameters && !macro.recursive && isOpen(macro)) return undefined;
        if (parameters) return { at, macro, parameters };
      }
      const takes = list.map(m =>
        m.most === m.least ? String(m.least) : `${m.least}-${m.most === Infinity ? '*' : m.most}`,
      );
      note ??= { at, note: `macro "${token.text}" takes ${takes.join(' or ')} parameters` };
    }
    return note;
  }
}
