import * as vscode from 'vscode';
import { ConfigurationProvider } from './configuration';
import { registerDiagnostics } from './diagnostics';
import { registerExits } from './exits';
import { ExpressionProvider } from './expressions';
import { InlineValueProvider } from './inline-values';

/** Language id and debugger type, as package.json contributes them. */
const LANGUAGE = 'ringscope-asm';
const DEBUG_TYPE = 'ringscope';

/** Only registrations: whatever costs time starts when it is first used. */
export function activate(context: vscode.ExtensionContext): void {
  const { debug, languages } = vscode;
  context.subscriptions.push(
    debug.registerDebugConfigurationProvider(DEBUG_TYPE, new ConfigurationProvider()),
    languages.registerEvaluatableExpressionProvider(LANGUAGE, new ExpressionProvider()),
    languages.registerInlineValuesProvider(LANGUAGE, new InlineValueProvider()),
  );
  registerExits(context);
  registerDiagnostics(context);
}
