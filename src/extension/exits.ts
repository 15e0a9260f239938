import * as vscode from 'vscode';
import { ExitTree, type ExitItem } from './exit-tree';

const TYPE = 'ringscope';

/** The "VM Exits" view of the Debug side bar, and its commands. */
export function registerExits(context: vscode.ExtensionContext): void {
  const tree = new ExitTree();
  const { commands, debug, window } = vscode;
  context.subscriptions.push(
    window.createTreeView('ringscope.exits', { treeDataProvider: tree, showCollapseAll: true }),
    debug.registerDebugAdapterTrackerFactory(TYPE, {
      createDebugAdapterTracker: session => ({
        onDidSendMessage: message => {
          if (message.type === 'event' && STALE.has(message.event)) tree.refresh(session);
        },
      }),
    }),
    debug.onDidChangeActiveDebugSession(session => tree.refresh(session)),
    commands.registerCommand('ringscope.exits.refresh', () => tree.refresh(debug.activeDebugSession)),
    commands.registerCommand('ringscope.exits.older', () => tree.older()),
    commands.registerCommand('ringscope.exits.reveal', (item: ExitItem) => reveal(item)),
    commands.registerCommand('ringscope.exits.breakOnReason', (item: ExitItem) => breakOn(`exit:${item.exit.name}`)),
    commands.registerCommand(
      'ringscope.exits.breakOnDetail',
      (item: ExitItem) => item.detailBreakpoint && breakOn(item.detailBreakpoint),
    ),
    commands.registerCommand('ringscope.exits.breakOnAll', () => breakOn('exit:*')),
  );
}

/** Events after which the history may be longer. */
const STALE = new Set(['stopped', 'invalidated', 'terminated']);

async function reveal({ exit }: ExitItem): Promise<void> {
  if (!exit.source) {
    await vscode.window.showInformationMessage(
      `No source line is known for the guest instruction at ${exit.guestRip}.`,
    );
    return;
  }
  const line = exit.source.line - 1;
  await vscode.window.showTextDocument(vscode.Uri.file(exit.source.path), {
    selection: new vscode.Range(line, 0, line, 0),
    preserveFocus: true,
    preview: true,
  });
}

function breakOn(name: string): void {
  const present = vscode.debug.breakpoints.some(
    breakpoint => breakpoint instanceof vscode.FunctionBreakpoint && breakpoint.functionName === name,
  );
  if (!present) vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint(name)]);
}
