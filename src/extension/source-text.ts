/* What stands where in a line of NASM source: enough for hovers and inline values, without the assembler. */

const NAME = /[A-Za-z_.?@$][\w.$#@~?]*/g;
// prettier-ignore
const NOT_VALUES = new Set(['byte', 'word', 'dword', 'qword', 'tword', 'oword', 'ptr', 'near', 'far', 'short', 'strict', 'rel', 'abs', 'equ',
  'db', 'dw', 'dd', 'dq', 'dt', 'times', 'rep', 'repe', 'repne', 'repz', 'repnz', 'lock']);
const REGISTER =
  /^([re]?(ax|bx|cx|dx|si|di|sp|bp)|[re]ip|[re]?flags|[abcd][lh]|(si|di|sp|bp)l|r([89]|1[0-5])[dwb]?|[cdefgs]s|cr[02348]|dr[0-7])$/i;

export interface Word {
  text: string;
  start: number;
}

/** The part of the line that is neither comment nor string, blanked out to the same length. */
function codeOf(line: string): string {
  return line.replace(/"[^"]*"?|'[^']*'?|`(?:\\.|[^`])*`?|;.*$/g, part => ' '.repeat(part.length));
}

/** Names in operand position, and labels: everything that can have a value. Mnemonics and directives cannot. */
export function valueWords(line: string): Word[] {
  const code = codeOf(line);
  if (/^\s*%/.test(code)) return [];
  const words = [...code.matchAll(NAME)].map(match => ({ text: match[0], start: match.index }));
  const statement = words.findIndex(word => !isLabel(code, word));
  return words.filter((word, n) => n !== statement && !NOT_VALUES.has(word.text.toLowerCase()));
}

export function isRegister(word: string): boolean {
  return REGISTER.test(word);
}

/** `main.loop` for `.loop` below `main:`, as the assembler names it. `lineAt` gives the text of earlier lines. */
export function qualified(name: string, line: number, lineAt: (line: number) => string): string {
  if (!name.startsWith('.')) return name;
  for (let n = line; n >= 0; n--) {
    const label = /^\s*([A-Za-z_?@$][\w$#@~?]*)\s*(:|\s+(?:d[bwdq]|res[bwdq]|times)\b)/i.exec(codeOf(lineAt(n)));
    if (label) return label[1] + name;
  }
  return name;
}

/** Followed by a colon, or the first word before data. */
function isLabel(code: string, { text, start }: Word): boolean {
  const after = code.slice(start + text.length);
  return /^\s*:/.test(after) || /^\s+(equ|d[bwdqtoyz]|res[bwdqtoyz]|incbin|times)\b/i.test(after);
}
