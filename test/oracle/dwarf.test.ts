/** Line tables and call frames of real compilers, held against what readelf says of the same files. */
import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readLineHeader } from '../../src/program/dwarf/line-header';
import { runLineProgram } from '../../src/program/dwarf/line-program';
import { frameRows, lineRows } from '../dwarf/readelf';
import { BuildFolder } from '../dwarf/build';
import { sectionsOf } from '../dwarf/sections';
import { frameText } from '../dwarf/text';
import { CallFrames } from '../../src/program/dwarf/frames';

describe('DWARF against readelf', () => {
  const built = new BuildFolder();
  after(() => built.remove());
  const programs: Record<string, () => string> = {};
  for (const version of [2, 3, 4, 5])
    for (const level of ['-O0', '-O2'])
      programs[`gcc -gdwarf-${version} ${level}`] = () => built.gcc('c', 'shapes.c', `-gdwarf-${version}`, level);
  programs['gcc -m32'] = () => built.gcc('c', 'shapes.c', '-g', '-m32', '-O1');
  programs['gcc -gdwarf64'] = () => built.gcc('c', 'shapes.c', '-gdwarf-5', '-gdwarf64', '-O1');
  programs['gcc, compressed sections'] = () => built.gcc('c', 'shapes.c', '-g', '-gz=zlib', '-O1');
  programs['gcc, older compressed sections'] = () => built.gcc('c', 'shapes.c', '-g', '-gz=zlib-gnu', '-O1');
  programs['gcc without .eh_frame'] = () => built.gcc('c', 'shapes.c', '-g', '-fno-asynchronous-unwind-tables');
  programs['gcc with the C library'] = () => built.hosted('hosted', 'hosted.c', '-g', '-static');
  programs['g++'] = () => built.hosted('hosted', 'hosted.cc', '-g', '-static');
  programs['clang'] = () => built.clang('c', 'shapes.c', '-g', '-O1');
  programs['rustc'] = () => built.rustc('rust', 'counter.rs');
  programs['the sample kernel'] = () => built.sampleKernel();

  for (const [name, build] of Object.entries(programs)) {
    it(`lines: ${name}`, () => {
      const file = build();
      const sections = sectionsOf(readFileSync(file));
      const section = sections.get('.debug_line');
      const found: string[] = [];
      for (let at = 0; at < section.length;) {
        let end = section.length;
        const header = readLineHeader(sections, at, told => (end = told));
        runLineProgram(section, header, sequence => {
          for (const { line, address, statement } of sequence.rows)
            found.push(`0x${address.toString(16)} ${line}${statement ? ' statement' : ''}`);
          found.push(`0x${sequence.end.toString(16)} end`);
        });
        at = end;
      }
      assert.ok(found.length > 4, 'the file has lines');
      assert.deepEqual(found, lineRows(file));
    });

    it(`call frames: ${name}`, () => {
      const file = build();
      const frames = new CallFrames(sectionsOf(readFileSync(file)), sectionsOf(readFileSync(file)).addressSize);
      const expected = frameRows(file);
      assert.ok(expected.length > 1, 'the file has frames');
      for (const { address, text } of expected)
        assert.equal(frameText(frames.at(address)), text, `at 0x${address.toString(16)}`);
      assert.equal(frames.problem, undefined);
    });
  }
});
