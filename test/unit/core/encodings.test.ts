/**
 * Every opcode of the maps 0F, 0F 38 and 0F 3A with every mandatory prefix, ModRM.reg and kind of operand, against
 * iced-x86: what iced knows by an announced feature is accepted with the same length, what it knows by another is #UD.
 */
import * as assert from 'node:assert';
import { CpuidFeature } from 'iced-x86';
import { CODE, LONGEST, UNDEFINED, iced, processor } from './decoder-oracle';

const PREFIXES = [[], [0x66], [0xf3], [0xf2]];
const ESCAPES = [[0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
/** ModRM without reg: [eax], and register 1. */
const OPERANDS = [0x00, 0xc1];
const REX_W = 0x48;

/** Encodings that older processors take for something harmless: hints, and TZCNT for BSF. */
const HARMLESS = new Set<CpuidFeature>([
  CpuidFeature.BMI1,
  CpuidFeature.CET_IBT,
  CpuidFeature.CET_SS,
  CpuidFeature.CLDEMOTE,
  CpuidFeature.LZCNT,
  CpuidFeature.MPX,
  CpuidFeature.PREFETCHITI,
  CpuidFeature.PREFETCHW,
  CpuidFeature.PREFETCHWT1,
]);

/** Decoded whether they are announced or not, and #UD or #GP when they run; WBNOINVD is WBINVD without its feature. */
const REFUSED_LATER = /^(o64|mwait|monitor|rdpmc|getsec|rsm|wbnoinvd|invpcid)\b/;

const modes = [
  { bits: 64, start: 'long', rexes: [[], [REX_W]] },
  { bits: 32, start: 'protected', rexes: [[]] },
] as const;

describe('encodings', () => {
  it('of the x87: every ModRM behind D8 to DF', async () => {
    const machine = await processor('long');
    const { core } = machine['processor'];
    for (let opcode = 0xd8; opcode < 0xe0; opcode++)
      for (let modrm = 0; modrm < 0x100; modrm++) {
        const bytes = new Uint8Array(LONGEST);
        bytes.set([opcode, modrm]);
        machine.writePhysical(BigInt(CODE), bytes);
        const answer = core.instructionAt(BigInt(CODE));
        const expected = iced(bytes, 64);
        const shown = `${Buffer.from(bytes.subarray(0, 2)).toString('hex')}: ${expected.text}`;
        assert.strictEqual((answer & UNDEFINED) === 0, expected.valid, shown);
        if (expected.valid) assert.strictEqual(answer & 0xff, expected.length, shown);
      }
  });

  for (const { bits, start, rexes } of modes)
    it(`of ${bits}-bit code: every opcode behind 0F`, async function () {
      this.timeout(120_000);
      const machine = await processor(start);
      const { core } = machine['processor'];
      const problems = new Map<string, string>();
      const known = new Set<string>();
      for (const escape of ESCAPES)
        for (const prefix of PREFIXES)
          for (const rex of rexes)
            for (let opcode = 0; opcode < 0x100; opcode++)
              for (let modrm = 0; modrm < 16; modrm++) {
                const bytes = new Uint8Array(LONGEST);
                bytes.set([...prefix, ...rex, ...escape, opcode, OPERANDS[modrm >> 3] | ((modrm & 7) << 3)]);
                machine.writePhysical(BigInt(CODE), bytes);
                const answer = core.instructionAt(BigInt(CODE));
                const accepted = (answer & 0xff) !== 0 && !(answer & UNDEFINED);
                const expected = iced(bytes, bits);
                const valid = expected.valid && !expected.undefined_;
                const wrong = !accepted
                  ? valid && expected.announced && 'must be known'
                  : !valid
                    ? 'must be #UD'
                    : (answer & 0xff) !== expected.length
                      ? `has ${expected.length} bytes, not ${answer & 0xff}`
                      : !expected.announced &&
                        !REFUSED_LATER.test(expected.text) &&
                        !expected.features.some(f => HARMLESS.has(f)) &&
                        'is not announced';
                if (accepted && valid) known.add(expected.text.split(' ')[0]);
                if (wrong) problems.set(`${expected.text.split(' ')[0]} ${wrong}`, Buffer.from(bytes).toString('hex'));
              }
      assert.ok(problems.size === 0, [...problems].map(([what, bytes]) => `${what}: ${bytes}`).join('\n'));
      // The maps hold more than 350 mnemonics of what is announced.
      assert.ok(known.size > 350, `only ${known.size} mnemonics were met`);
    });
});
