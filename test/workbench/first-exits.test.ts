/** What a new user does and sees, in the real workbench: the way from F5 to a VM exit, through its handler, and back. */
import * as assert from 'node:assert';
import path from 'node:path';
import { Workbench } from './workbench';

describe('first-exits in the workbench', function () {
  let workbench: Workbench;
  before(async function () {
    this.timeout(300_000);
    workbench = await Workbench.open(path.join(process.cwd(), 'samples'));
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });
  after(async () => {
    await workbench?.close();
  });

  it('F5 without a question stops on entry', async () => {
    await workbench.openFile('first-exits', 'hypervisor.asm');
    await workbench.go('F5', 'hypervisor.asm', /^mov\s+rsp, host_stack_top/);
    await workbench.screenshot('1-entry');
  });

  it('"VM exits" ticked, Continue: the arrow stands on the guest\'s cpuid', async () => {
    await workbench.collapsePane('Watch');
    const breakpoints = await workbench.expandPane('Breakpoints');
    const filter = breakpoints.locator('.monaco-list-row', { hasText: /^VM exits/ });
    await filter.locator('input[type=checkbox]').check();
    await workbench.go('F5', 'guest.asm', /^cpuid/);
    await workbench.screenshot('2-exit');
    const stack = await workbench.callStack();
    assert.match((await workbench.pane('Call Stack').textContent()) ?? '', /VM exit 10: CPUID/);
    assert.ok(
      stack.some(row => /VM entry: VMLAUNCH, VMCS 0x/.test(row)),
      stack.join('\n'),
    );
    assert.ok(
      stack.findIndex(row => /guest_start/.test(row)) < stack.findIndex(row => /VM entry/.test(row)),
      stack.join('\n'),
    );
    assert.ok(
      stack.findIndex(row => /VM entry/.test(row)) < stack.findIndex(row => /vm_exit/.test(row)),
      stack.join('\n'),
    );
  });

  it('Variables: registers in hex, the VMCS in its groups with decoded bits', async () => {
    await workbench.expandVariable('Registers');
    let rows = await workbench.variables();
    assert.ok(
      rows.some(row => /^rax\s*=\s*0x0*1$/i.test(row)),
      rows.join('\n'),
    );
    await workbench.screenshot('3-registers');
    await workbench.collapseVariable('Registers');
    await workbench.collapsePane('Breakpoints');
    await workbench.collapsePane('Call Stack');
    await workbench.expandVariable('VMCS');
    for (const group of ['Guest state', 'Host state', 'Controls', 'Exit information']) {
      rows = await workbench.variables();
      assert.ok(
        rows.some(row => row.startsWith(group)),
        `${group}:\n${rows.join('\n')}`,
      );
    }
    await workbench.expandVariable('Exit information');
    rows = await workbench.variables();
    assert.ok(
      rows.some(row => /EXIT_REASON.*0x0*a\b/i.test(row)),
      rows.join('\n'),
    );
    await workbench.screenshot('3-vmcs');
    await workbench.collapseVariable('VMCS');
    await workbench.expandVariable('Registers');
    await workbench.expandPane('Call Stack');
  });

  it('hovering a register shows its value', async () => {
    const word = workbench.page.locator('.view-line span', { hasText: /^\s*eax$/ }).first();
    await word.hover();
    const hover = workbench.page.locator('.debug-hover-widget');
    await hover.waitFor({ timeout: 10_000 });
    assert.match((await hover.textContent()) ?? '', /0x0*1\b/);
    await workbench.page.keyboard.press('Escape');
  });

  it('Step In enters the handler, Step Out returns to the next guest instruction', async () => {
    await workbench.go('F11', 'hypervisor.asm', /^sub\s+rsp, saved_size/);
    await workbench.screenshot('4-handler');
    await workbench.go('Shift+F11', 'guest.asm', /^mov\s+edx, 0x3f8/);
    await workbench.screenshot('4-back');
  });

  it('Step Over at the exit does both', async () => {
    await workbench.go('F5', 'guest.asm', /^out\s+dx, al/);
    await workbench.go('F10', 'guest.asm', /^mov\s+al, 10/);
  });

  it('the Debug Console shows the serial output', async () => {
    await workbench.page.keyboard.press('Control+Shift+Y');
    const text = workbench.page.locator('.repl .monaco-list-rows');
    await text.waitFor({ timeout: 10_000 });
    await workbench.page.waitForTimeout(500);
    assert.match((await text.textContent()) ?? '', /hypervisor: VMLAUNCH/);
    await workbench.screenshot('5-console');
  });

  it('the tree "VM Exits" lists them, and selecting one reveals its line', async () => {
    await workbench.collapsePane('Breakpoints');
    const tree = await workbench.expandPane('VM Exits');
    const rows = tree.locator('.monaco-list-row');
    await rows.first().waitFor({ timeout: 10_000 });
    const texts = (await rows.allTextContents()).map(text => text.trim());
    await workbench.screenshot('6-tree');
    assert.ok(
      texts.some(text => /CPUID/.test(text)),
      texts.join('\n'),
    );
    assert.ok(
      texts.some(text => /IO.*0x3f8/.test(text)),
      texts.join('\n'),
    );
    await rows.filter({ hasText: /CPUID/ }).first().click();
    await workbench.page.waitForTimeout(1000);
    const active = workbench.page.locator('.monaco-editor .current-line').first();
    await active.waitFor();
    assert.strictEqual(await workbench.activeEditor(), 'guest.asm');
  });

  it('the Disassembly View shows the code with symbols', async () => {
    await workbench.page.keyboard.press('F1');
    await workbench.page.keyboard.type('Open Disassembly View');
    await workbench.page.waitForTimeout(500);
    await workbench.page.keyboard.press('Enter');
    const view = workbench.page.locator('.disassembly-view');
    await view.waitFor({ timeout: 10_000 });
    await workbench.page.waitForTimeout(1500);
    await workbench.screenshot('7-disassembly');
    const text = (await view.textContent()) ?? '';
    assert.match(text, /vmcall/i);
    assert.match(text, /mov/i);
  });

  it('runs on to its end', async () => {
    const breakpoints = await workbench.expandPane('Breakpoints');
    await breakpoints
      .locator('.monaco-list-row', { hasText: /^VM exits/ })
      .locator('input[type=checkbox]')
      .uncheck();
    await workbench.page.keyboard.press('F5');
    await workbench.page.locator('.debug-toolbar').waitFor({ state: 'hidden', timeout: 30_000 });
  });
});

describe('broken-entry in the workbench', function () {
  let workbench: Workbench;
  before(async function () {
    this.timeout(300_000);
    workbench = await Workbench.open(path.join(process.cwd(), 'samples'));
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });
  after(async () => {
    await workbench?.close();
  });

  it('the stop explains the failing check: field, value, section', async () => {
    await workbench.openFile('broken-entry', 'hypervisor.asm');
    await workbench.go('F5', 'hypervisor.asm', /^mov\s+rsp, host_stack_top/);
    await workbench.go('F5', 'hypervisor.asm', /^vmcs_read rbx, EXIT_REASON/);
    const widget = workbench.page.locator('.exception-widget');
    await widget.waitFor({ timeout: 10_000 });
    const text = (await widget.textContent()) ?? '';
    await workbench.screenshot('8-broken-entry');
    assert.match(text, /RFLAGS/);
    assert.match(text, /26\.3\.1/);
  });
});
