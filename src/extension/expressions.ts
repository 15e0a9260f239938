import * as vscode from 'vscode';
import { qualified, valueWords } from './source-text';

/** What a hover evaluates: the register, label, VMCS field or constant under the mouse. */
export class ExpressionProvider implements vscode.EvaluatableExpressionProvider {
  provideEvaluatableExpression(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): vscode.EvaluatableExpression | undefined {
    const text = document.lineAt(position.line).text;
    const word = valueWords(text).find(
      ({ start, text: name }) => position.character >= start && position.character <= start + name.length,
    );
    if (!word) return undefined;
    const range = new vscode.Range(position.line, word.start, position.line, word.start + word.text.length);
    return new vscode.EvaluatableExpression(
      range,
      qualified(word.text, position.line, n => document.lineAt(n).text),
    );
  }
}
