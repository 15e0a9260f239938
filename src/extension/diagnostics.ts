import * as vscode from 'vscode';
import { Checker, type CheckResponse } from './checker';

const LANGUAGE = 'ringscope-asm';
/** Quiet time after a keystroke before the file is assembled, in milliseconds. */
const QUIET = 300;

/** Assembles sources while they are edited and shows what the assembler says. */
export function registerDiagnostics(context: vscode.ExtensionContext): void {
  const diagnostics = new Diagnostics(context);
  const { workspace } = vscode;
  context.subscriptions.push(
    diagnostics,
    workspace.onDidOpenTextDocument(document => diagnostics.soon(document)),
    workspace.onDidChangeTextDocument(({ document }) => diagnostics.soon(document)),
    workspace.onDidCloseTextDocument(document => diagnostics.closed(document)),
  );
  for (const document of workspace.textDocuments) diagnostics.soon(document);
}

class Diagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('ringscope');
  private readonly timers = new Map<string, NodeJS.Timeout>();
  /** Files that a source brought in, by the source: they belong to it and mean little alone. */
  private readonly parts = new Map<string, Set<string>>();
  /** Files with messages, by the source that they come from. */
  private readonly reported = new Map<string, Set<string>>();
  private checker: Checker | undefined;

  constructor(private readonly context: vscode.ExtensionContext) {}

  soon(document: vscode.TextDocument): void {
    if (document.languageId !== LANGUAGE || document.uri.scheme !== 'file') return;
    const path = document.uri.fsPath;
    clearTimeout(this.timers.get(path));
    this.timers.set(
      path,
      setTimeout(() => void this.check(path), QUIET),
    );
  }

  closed(document: vscode.TextDocument): void {
    const path = document.uri.fsPath;
    clearTimeout(this.timers.get(path));
    this.timers.delete(path);
    this.forget(path);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.checker?.dispose();
    this.collection.dispose();
  }

  /** Checks the sources that `path` takes part in: those that include it, or itself. */
  private async check(path: string): Promise<void> {
    const roots = await this.rootsOf(path);
    for (const root of roots) await this.checkRoot(root);
    if (!roots.includes(path)) this.forget(path);
  }

  private async checkRoot(root: string): Promise<void> {
    this.checker ??= new Checker(vscode.Uri.joinPath(this.context.extensionUri, 'dist', 'adapter.js').fsPath);
    const open: Record<string, string> = {};
    for (const document of vscode.workspace.textDocuments)
      if (document.isDirty && document.uri.scheme === 'file') open[document.uri.fsPath] = document.getText();
    const response = await this.checker.check({ path: root, open });
    if (!response) return;
    this.parts.set(root, new Set(response.sources.filter(source => source !== root)));
    this.show(root, response);
  }

  private show(root: string, { diagnostics }: CheckResponse): void {
    const byFile = new Map<string, vscode.Diagnostic[]>();
    for (const { file, line, column, endColumn, severity, message } of diagnostics) {
      const range = new vscode.Range(line - 1, column - 1, line - 1, (endColumn ?? column + 1) - 1);
      const level = severity === 'error' ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning;
      const item = new vscode.Diagnostic(range, message, level);
      item.source = 'ringscope';
      byFile.set(file, [...(byFile.get(file) ?? []), item]);
    }
    for (const file of this.reported.get(root) ?? [])
      if (!byFile.has(file)) this.collection.delete(vscode.Uri.file(file));
    for (const [file, list] of byFile) this.collection.set(vscode.Uri.file(file), list);
    this.reported.set(root, new Set(byFile.keys()));
  }

  private forget(root: string): void {
    for (const file of this.reported.get(root) ?? []) this.collection.delete(vscode.Uri.file(file));
    this.reported.delete(root);
    this.parts.delete(root);
  }

  /** Sources that include `path`: known ones, else those of its folder that name it; itself when there are none. */
  private async rootsOf(path: string): Promise<string[]> {
    const known = [...this.parts].filter(([, parts]) => parts.has(path)).map(([root]) => root);
    if (known.length) return known;
    const uri = vscode.Uri.file(path);
    const folder = vscode.Uri.joinPath(uri, '..');
    const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
    const includes = new RegExp(
      `^\\s*%include\\s+["'\`](?:[^"'\`]*/)?${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}["'\`]`,
      'm',
    );
    const found: string[] = [];
    for (const [entry, type] of await vscode.workspace.fs.readDirectory(folder)) {
      if (type !== vscode.FileType.File || entry === name || !/\.(asm|nasm)$/i.test(entry)) continue;
      const other = vscode.Uri.joinPath(folder, entry);
      const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(other));
      if (includes.test(text)) found.push(other.fsPath);
    }
    if (found.length) return found;
    // What is meant for inclusion has nothing to say by itself.
    return /\.inc$/i.test(path) ? [] : [path];
  }
}
