/**
 * The decoder against iced-x86: random bytes, with the opcodes and prefixes that exist preferred, in 16, 32 and 64-bit code.
 * What iced knows and this processor announces must have the same length; what iced refuses must be #UD here.
 */
import * as assert from 'node:assert';
import { CODE, LONGEST, UNDEFINED, iced, processor } from './decoder-oracle';
import { randomCode } from './random-code';

const CASES = Number(process.env.RINGSCOPE_DECODER_CASES ?? 60_000);
/** Instructions that a message shows, one line each. */
const SHOWN = 30;

const modes = [
  { bits: 64, start: 'long' },
  { bits: 32, start: 'protected' },
  { bits: 16, start: 'protected' },
] as const;
/** CS of 16 bits: D is clear. */
const CODE16_ACCESS = 0x809bn;

describe('decoder', () => {
  for (const { bits, start } of modes)
    it(`agrees with iced-x86 on ${CASES} random instructions of ${bits}-bit code`, async function () {
      this.timeout(60_000);
      const machine = await processor(start);
      if (bits === 16) machine.setRegister('CS_ACCESS', CODE16_ACCESS);
      const { core } = machine['processor'];
      const problems = new Map<string, string>();
      for (let seed = 1; seed <= CASES && problems.size < SHOWN; seed++) {
        const bytes = randomCode(seed * 3 + bits, LONGEST);
        machine.writePhysical(BigInt(CODE), bytes);
        const answer = core.instructionAt(BigInt(CODE));
        const length = answer & 0xff;
        const undefined_ = length === 0 || (answer & UNDEFINED) !== 0;
        const expected = iced(bytes, bits);
        const wrong =
          !expected.valid || expected.undefined_
            ? !undefined_ && 'must be #UD'
            : undefined_
              ? expected.announced && 'must be known'
              : length !== expected.length && `has ${expected.length} bytes, not ${length}`;
        if (wrong) {
          const text = [...bytes].map(b => b.toString(16).padStart(2, '0')).join(' ');
          problems.set(
            expected.valid ? `${expected.text.split(' ')[0]} ${wrong}` : text.slice(0, 11),
            `${text}: ${expected.text} ${wrong}`,
          );
        }
      }
      assert.ok(problems.size === 0, [...problems.values()].join('\n'));
    });
});
