import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as vscode from 'vscode';

const ROOT = resolve(__dirname, '..', '..', '..');
const sample = (name: string) => vscode.Uri.file(join(ROOT, 'samples', name));
const PATIENCE = 15_000;

/** Waits until `look` gives something. */
async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise(done => setTimeout(done, 50));
  }
}

/** Events of a debug session as they pass. */
class Events implements vscode.DebugAdapterTracker {
  readonly seen: any[] = [];
  onDidSendMessage(message: any): void {
    if (message.type === 'event') this.seen.push(message);
  }
  next(name: string): Promise<any> {
    return eventually(`the event ${name}`, () => {
      const index = this.seen.findIndex(message => message.event === name);
      return index < 0 ? undefined : this.seen.splice(index, 1)[0].body;
    });
  }
}

describe('the extension', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'ringscope-host-'))));
  after(() => rmSync(folder, { recursive: true }));

  // Figures are printed, not judged: the machines that run this are shared.
  it('activates only when something asks for it', async () => {
    const extension = vscode.extensions.getExtension('ringscope.ringscope');
    assert.ok(extension, 'the extension is not installed');
    assert.equal(extension.isActive, false, 'nothing has asked for it yet');
    const start = performance.now();
    await extension.activate();
    console.log(`    activation took ${(performance.now() - start).toFixed(1)} ms`);
    assert.equal(extension.isActive, true);
  });

  it('takes .asm, .nasm and .inc files for its language', async () => {
    for (const name of ['first-exits/hypervisor.asm', 'include/vmx.inc'])
      assert.equal((await vscode.workspace.openTextDocument(sample(name))).languageId, 'ringscope-asm', name);
    const path = join(folder, 'empty.nasm');
    writeFileSync(path, '');
    assert.equal((await vscode.workspace.openTextDocument(path)).languageId, 'ringscope-asm');
  });

  it('shows what the assembler says while typing, for includes at their including source', async () => {
    const path = join(folder, 'main.asm');
    const part = join(folder, 'part.asm');
    writeFileSync(path, 'bits 64\nstart:\n  call inside\n  hlt\n%include "part.asm"\n');
    writeFileSync(part, 'inside:\n  ret\n');
    const document = await vscode.workspace.openTextDocument(part);
    const editor = await vscode.window.showTextDocument(document);
    await editor.edit(edit => edit.insert(new vscode.Position(1, 2), 'mov eax, nothing\n  '));
    const [first] = await eventually('an error', () => {
      const list = vscode.languages.getDiagnostics(document.uri);
      return list.length ? list : undefined;
    });
    assert.match(first.message, /nothing/);
    assert.deepEqual(
      [first.range.start.line, first.severity, first.source],
      [1, vscode.DiagnosticSeverity.Error, 'ringscope'],
    );
    await editor.edit(edit => edit.delete(new vscode.Range(1, 0, 2, 0)));
    await eventually('no error', () => (vscode.languages.getDiagnostics(document.uri).length ? undefined : true));
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('debugs the open file without a launch.json, to the end', async () => {
    const events = new Events();
    const tracker = vscode.debug.registerDebugAdapterTrackerFactory('ringscope', {
      createDebugAdapterTracker: () => events,
    });
    try {
      await vscode.window.showTextDocument(sample('first-exits/hypervisor.asm'));
      await vscode.commands.executeCommand('ringscope.exits.breakOnAll');
      const [breakpoint] = vscode.debug.breakpoints as vscode.FunctionBreakpoint[];
      assert.equal(breakpoint.functionName, 'exit:*');
      const start = performance.now();
      // What F5 does: an empty configuration, which the provider fills in.
      assert.ok(
        await vscode.debug.startDebugging(undefined, {
          type: 'ringscope',
          request: 'launch',
          name: 'test',
          program: sample('first-exits/hypervisor.asm').fsPath,
        }),
      );
      assert.equal((await events.next('stopped')).reason, 'entry');
      console.log(`    F5 to the first stop took ${(performance.now() - start).toFixed(0)} ms`);
      const session = vscode.debug.activeDebugSession!;
      await session.customRequest('continue', { threadId: 1 });
      assert.equal((await events.next('stopped')).description, 'VM exit 10: CPUID');
      const { stackFrames } = await session.customRequest('stackTrace', { threadId: 1 });
      assert.match(stackFrames[0].source.path, /guest\.asm$/);
      assert.equal(stackFrames[1].presentationHint, 'label');
      const { exits } = await session.customRequest('ringscope/exits', {});
      assert.equal(exits.length, 1);
      vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
      await eventually('the end of the session', async () => {
        if (vscode.debug.activeDebugSession)
          await session.customRequest('continue', { threadId: 1 }).then(undefined, () => {});
        return vscode.debug.activeDebugSession ? undefined : true;
      });
    } finally {
      tracker.dispose();
    }
  });
});
