/** Strings as NASM writes and stores them: bytes, UTF-8 in the source. */

/** UTF-8 of a JavaScript string. (This layer names neither `TextEncoder` nor Node.) */
export function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const c = character.codePointAt(0)!;
    if (c < 0x80) bytes.push(c);
    else if (c < 0x800) bytes.push(0xc0 | (c >> 6), 0x80 | (c & 63));
    else if (c < 0x10000) bytes.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    else bytes.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
  }
  return bytes;
}

/** Text of UTF-8 bytes; a byte that is not UTF-8 becomes the Latin-1 character of its value. */
export function fromUtf8(bytes: Uint8Array): string {
  const parts: string[] = [];
  let codes: number[] = [];
  const trail = (at: number) => (at < bytes.length && (bytes[at] & 0xc0) === 0x80 ? bytes[at] & 63 : -1);
  for (let at = 0; at < bytes.length; at++) {
    const b = bytes[at];
    let code = b;
    if (b >= 0xc2 && b < 0xe0 && trail(at + 1) >= 0) code = ((b & 31) << 6) | trail(++at);
    else if (b >= 0xe0 && b < 0xf0 && trail(at + 1) >= 0 && trail(at + 2) >= 0) {
      code = ((b & 15) << 12) | (trail(at + 1) << 6) | trail(at + 2);
      at += 2;
    } else if (b >= 0xf0 && b < 0xf5 && trail(at + 1) >= 0 && trail(at + 2) >= 0 && trail(at + 3) >= 0) {
      code = ((b & 7) << 18) | (trail(at + 1) << 12) | (trail(at + 2) << 6) | trail(at + 3);
      at += 3;
    }
    codes.push(code > 0x10ffff ? 0xfffd : code);
    if (codes.length === 4096) {
      parts.push(String.fromCodePoint(...codes));
      codes = [];
    }
  }
  parts.push(String.fromCodePoint(...codes));
  return parts.join('');
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, e: 27 };

/** The bytes of a string token, quotes included in `token`. Only backquotes know C escapes. */
export function stringBytes(token: string): number[] {
  const body = token.slice(1, -1);
  if (token[0] !== '`') return utf8(body);
  const bytes: number[] = [];
  for (let at = 0; at < body.length; at++) {
    if (body[at] !== '\\') {
      const character = String.fromCodePoint(body.codePointAt(at)!);
      bytes.push(...utf8(character));
      at += character.length - 1;
      continue;
    }
    const rest = body.slice(++at);
    let match: RegExpExecArray | null;
    if ((match = /^x([0-9a-fA-F]{1,2})/.exec(rest))) bytes.push(parseInt(match[1], 16));
    else if ((match = /^u([0-9a-fA-F]{1,4})/.exec(rest) ?? /^U([0-9a-fA-F]{1,8})/.exec(rest))) {
      const code = parseInt(match[1], 16);
      bytes.push(...utf8(String.fromCodePoint(code > 0x10ffff ? 0xfffd : code)));
    } else if ((match = /^[0-7]{1,3}/.exec(rest))) bytes.push(parseInt(match[0], 8) & 255);
    else {
      const c = rest[0] ?? '\\';
      bytes.push(ESCAPES[c] ?? c.charCodeAt(0));
      continue;
    }
    at += match[0].length - 1;
  }
  return bytes;
}

/** The characters of a string token, one a byte: for messages, file names and `%strlen`. */
export function stringText(token: string): string {
  return fromUtf8(Uint8Array.from(stringBytes(token)));
}

/** A string used as a number: its bytes, the first the least significant, as in NASM. */
export function stringNumber(token: string): bigint {
  let value = 0n;
  const bytes = stringBytes(token);
  for (let i = Math.min(bytes.length, 8) - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return value;
}

/** A string token for a text. */
export function quote(text: string): string {
  if (!text.includes('"')) return `"${text}"`;
  if (!text.includes("'")) return `'${text}'`;
  return '`' + text.replace(/[\\`]/g, '\\$&') + '`';
}

/** The functions that change a string's encoding, by name without underscores. */
const UTF = /^__\??utf(16|32)(le|be)?\??__$/i;
export const isUtfFunction = (name: string): boolean => UTF.test(name);

/** The bytes of a string token in UTF-16 or UTF-32, as `__utf16__("...")` and its kin give them. */
export function utfBytes(name: string, token: string): number[] {
  const [, bits, order] = UTF.exec(name)!;
  const bytes: number[] = [];
  for (const character of stringText(token)) {
    const point = character.codePointAt(0)!;
    const units = bits === '32' ? [point] : [...Array(character.length).keys()].map(i => character.charCodeAt(i));
    for (const unit of units) {
      const little = bits === '32' ? [0, 8, 16, 24] : [0, 8];
      const shifts = order?.toLowerCase() === 'be' ? little.reverse() : little;
      for (const shift of shifts) bytes.push((unit >>> shift) & 255);
    }
  }
  return bytes;
}
