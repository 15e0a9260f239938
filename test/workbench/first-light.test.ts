import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../../scripts/workbench/server.mjs';
import { ROOT, Workbench } from './driver';

const hypervisor = lineFinder('first-exits/hypervisor.asm');
const guest = lineFinder('first-exits/guest.asm');

/** Finds lines of a sample by what stands in them: the samples are for reading, and change. */
function lineFinder(path: string): (text: string, nth?: number) => number {
  const lines = readFileSync(join(ROOT, 'samples', path), 'utf8').split('\n');
  return (text, nth = 1) => {
    const found = lines.flatMap((line, n) =>
      line.replace(/;.*/, '').trim().replace(/ +/g, ' ') === text ? [n + 1] : [],
    );
    assert.ok(found.length >= nth, `${path} has no line "${text}"`);
    return found[nth - 1];
  };
}

/** What "First light" promises to a new user, step by step, in one session. */
describe('a person debugs the samples in the workbench', function () {
  // One session, one step after the other: after a failure the rest would only fail too.
  this.bail(true);
  let workbench: Workbench;
  before(async () => (workbench = await Workbench.open()));
  after(() => workbench?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot('failed');
  });

  it('presses F5 in a hypervisor and stops on entry', async () => {
    await workbench.openFile('first-exits', 'hypervisor.asm');
    await workbench.screenshot('1-opened');
    await workbench.debug();
    const stack = await workbench.stack(rows => rows.some(row => row.startsWith('start')));
    assert.deepEqual(stack, [`starthypervisor.asm${hypervisor('mov rsp, host_stack_top')}:1`]);
    await workbench.screenshot('2-entry');
  });

  it('ticks "VM exits" and continues: the arrow stands on the guest’s CPUID', async () => {
    await workbench.page
      .locator('.debug-breakpoints .monaco-list-row', { hasText: 'VM exits' })
      .locator('input[type="checkbox"]')
      .check();
    await workbench.press('F5');
    const stack = await workbench.stack(rows => rows.some(row => row.startsWith('guest_start')));
    assert.equal(stack[0], `guest_start+0x5guest.asm${guest('cpuid')}:1`);
    assert.match(stack[1], /^VM entry: VMLAUNCH, VMCS 0x[0-9a-f]+/);
    assert.equal(stack[2], `vm_exithypervisor.asm${hypervisor('sub rsp, saved_size')}:1`);
    await workbench.page.locator('.pane-header', { hasText: 'VM exit 10: CPUID' }).waitFor();
    await workbench.page.locator('.view-line', { hasText: 'cpuid' }).first().waitFor();
    await workbench.rows('.debug-variables .monaco-list-row', texts =>
      texts.some(text => /^rsp.*guest_stack/.test(text)),
    );
    await workbench.screenshot('3-exit');
  });

  it('hovers registers and labels', async () => {
    assert.match(await workbench.hover('mov     eax, 1', 'eax'), /0x00000001/);
    assert.match(await workbench.hover('mov     rsi, guest_text', 'guest_text'), /0x[0-9a-f]+ → 67 75 65 73 74.*guest/);
    await workbench.screenshot('4-hover');
  });

  it('steps into the handler, hovers a VMCS field there, steps out to the guest, and over an exit', async () => {
    await workbench.press('F11');
    let stack = await workbench.stack(rows => rows[0]?.startsWith('vm_exit'));
    assert.match(stack[1], /^VM exit 10: CPUID/);
    assert.match(stack[2], /^guest_start\+0x5/);
    assert.match(await workbench.hover('vmcs_read rax, EXIT_REASON', 'EXIT_REASON'), /0x0000000a \[CPUID\]/);
    await workbench.screenshot('5-handler');
    await workbench.press('Shift+F11');
    stack = await workbench.stack(rows => rows[0]?.startsWith('guest_start'));
    assert.ok(stack[0].includes(`guest.asm${guest('mov edx, 0x3f8')}:1`), stack[0]);
    await workbench.press('F5');
    await workbench.stack(rows => rows[0]?.includes(`guest.asm${guest('out dx, al')}:1`));
    await workbench.press('F10');
    await workbench.stack(rows => rows[0]?.includes(`guest.asm${guest('mov al, 10')}:1`));
  });

  it('reads the VMCS in its groups, with decoded bits, and edits a register', async () => {
    await workbench.expandPane('Breakpoints Section', false);
    await workbench.expandPane('Watch Section', false);
    await workbench.expandPane('Call Stack Section', false);
    await workbench.toggleVariable('Registers');
    await workbench.toggleVariable('VMCS');
    await workbench.toggleVariable('Controls');
    const rows = await workbench.rows('.debug-variables .monaco-list-row', texts =>
      texts.some(text => text.startsWith('EPTP')),
    );
    assert.ok(
      rows.some(row => /^EPTP ?= ?0x[0-9a-f]{16} \[memory type=0x6, walk length=0x3/.test(row)),
      rows.join('\n'),
    );
    await workbench.screenshot('6-vmcs');
    await workbench.toggleVariable('VMCS');
    await workbench.toggleVariable('Registers');
    await workbench.setVariable('rbx', '0x1234 + 1');
    await workbench.rows('.debug-variables .monaco-list-row', texts =>
      texts.some(text => /^rbx ?= ?0x0000000000001235$/.test(text)),
    );
    await workbench.screenshot('7-registers');
  });

  it('finds the exits in the tree, with what they cost, and makes a breakpoint of one', async () => {
    await workbench.expandPane('Variables Section', false);
    await workbench.expandPane('VM Exits Section');
    const tree = '.pane:has(.pane-header[aria-label^="VM Exits"]) .monaco-list-row';
    const rows = await workbench.rows(tree, texts => texts.length >= 2);
    assert.match(rows[0], /^2 {2}IO.*port 0x3f8.*guest_start\+0xe · \d+ instructions/);
    assert.match(rows[1], /^1 {2}CPUID.*guest_start\+0x5 · \d+ instructions/);
    await workbench.page.locator(tree).nth(1).click();
    await workbench.cursorAt(guest('cpuid'));
    await workbench.screenshot('8-exits');
    await workbench.page.locator(tree).nth(1).click({ button: 'right' });
    await workbench.menu('Break on This Exit Reason');
    // Room for the whole list: rows that do not fit are not there at all.
    await workbench.expandPane('VM Exits Section', false);
    await workbench.expandPane('Breakpoints Section');
    await workbench.rows('.debug-breakpoints .monaco-list-row', texts =>
      texts.some(text => text.startsWith('exit:CPUID')),
    );
  });

  it('opens the disassembly, with symbols, forwards and backwards', async () => {
    await workbench.page.locator('.editor-instance .view-lines').first().click();
    await workbench.command('Open Disassembly View');
    const rows = '.disassembly-view .monaco-table-tr';
    await workbench.rows(rows, texts => texts.some(text => text.includes('rdmsr')));
    await workbench.screenshot('9-disassembly');
    await workbench.page.locator(rows).nth(3).hover();
    // The view asks for 50 more instructions whenever its top comes into sight.
    await workbench.rows(rows, texts => {
      if (texts.some(text => text.includes('vmresume'))) return true;
      void workbench.page.mouse.wheel(0, -200);
      return false;
    });
    await workbench.screenshot('10-disassembly-backwards');
  });

  it('sees the serial output in the Debug Console, to the end of the run', async () => {
    await workbench.page
      .locator('.debug-breakpoints .monaco-list-row', { hasText: 'VM exits' })
      .locator('input[type="checkbox"]')
      .uncheck();
    await workbench.press('F5');
    await workbench.page
      .locator('.repl .monaco-list-row', { hasText: 'guest: hello through a hypercall' })
      .first()
      .waitFor();
    await workbench.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await workbench.screenshot('11-console');
  });

  it('meets the explanation of a VM entry that fails', async () => {
    await workbench.expandPane('Call Stack Section');
    await workbench.command('View: Show Explorer');
    await workbench.openFile('broken-entry', 'hypervisor.asm');
    await pause(500);
    await workbench.debug();
    await workbench.command('View: Show Run and Debug');
    await workbench.stack(rows => rows.some(row => row.startsWith('start')));
    await workbench.press('F5');
    const widget = workbench.page.locator('.exception-widget');
    await widget.waitFor();
    const text = (await widget.textContent()) ?? '';
    for (const part of ['GUEST_RFLAGS', '0x6820', 'Rule:', 'section 26.3.1.4']) assert.ok(text.includes(part), text);
    await workbench.screenshot('12-failed-entry');
    await workbench.press('Shift+F5');
    await workbench.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
  });

  it('sees each processor as a thread, and stops in the one that comes to a breakpoint', async () => {
    const processors = lineFinder('processors/processors.asm');
    await workbench.command('View: Show Explorer');
    await workbench.openFile('processors', 'processors.asm');
    await workbench.debugConfiguration('Several processors');
    await workbench.command('View: Show Run and Debug');
    await workbench.stack(rows => rows.filter(row => /^CPU \d/.test(row)).length === 4);
    const line = processors('lock xadd [arrived], eax');
    await workbench.goToLine(line);
    await workbench.press('F9');
    await workbench.press('F5');
    const stack = await workbench.stack(rows => rows.some(row => row.startsWith('awake')));
    const stopped = stack.findIndex(row => row.startsWith('awake'));
    assert.ok(stack[stopped].includes(`processors.asm${line}:1`), stack.join('\n'));
    assert.match(stack[stopped - 1], /^CPU [123]/);
    assert.ok(
      stack.some(row => /^CPU 0.*halted/.test(row)),
      stack.join('\n'),
    );
    await workbench.expandPane('Variables Section');
    await workbench.rows('.debug-variables .monaco-list-row', texts =>
      texts.some(text => /^rax =0x0{15}1$/.test(text)),
    );
    await workbench.screenshot('13-processors');
    await workbench.press('Shift+F5');
    await workbench.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
  });
});
