import * as vscode from 'vscode';
import { isRegister, valueWords } from './source-text';

/** The registers that the current line names, with their values, at the end of that line only: more would be stale or noise. */
export class InlineValueProvider implements vscode.InlineValuesProvider {
  provideInlineValues(
    document: vscode.TextDocument,
    _viewPort: vscode.Range,
    context: vscode.InlineValueContext,
  ): vscode.InlineValue[] {
    const line = context.stoppedLocation.start.line;
    if (line >= document.lineCount) return [];
    const seen = new Set<string>();
    return valueWords(document.lineAt(line).text).flatMap(({ text, start }) => {
      const name = text.toLowerCase();
      if (!isRegister(text) || seen.has(name)) return [];
      seen.add(name);
      const range = new vscode.Range(line, start, line, start + text.length);
      return [new vscode.InlineValueEvaluatableExpression(range, name)];
    });
  }
}
