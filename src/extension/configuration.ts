import * as vscode from 'vscode';

const LANGUAGE = 'ringscope-asm';
const TYPE = 'ringscope';
/** Languages whose sources are built before they run. */
const COMPILED = new Set(['c', 'cpp', 'rust', 'ringscope-gas']);

/** F5 without a launch.json: the open file is the program. */
export class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    return [{ type: TYPE, request: 'launch', name: 'Debug the open file', program: '${file}' }];
  }

  async resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    // An empty configuration means that there is no launch.json.
    if (!config.type && !config.request && !config.name) {
      const editor = vscode.window.activeTextEditor;
      if (editor?.document.languageId !== LANGUAGE) {
        await vscode.window.showInformationMessage(
          COMPILED.has(editor?.document.languageId ?? '')
            ? 'A compiled program needs a launch.json: "program" names the ELF file that the build makes, "preLaunchTask" the build.'
            : 'Open the .asm file to debug, then press F5.',
        );
        return undefined;
      }
      return { type: TYPE, request: 'launch', name: 'Debug the open file', program: editor.document.uri.fsPath };
    }
    return config;
  }

  /** Paths are complete here; those that are still relative mean the folder. */
  resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    config: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration {
    if (!folder || typeof config.program !== 'string' || /^([/\\]|[A-Za-z]:)/.test(config.program)) return config;
    return { ...config, program: vscode.Uri.joinPath(folder.uri, config.program).fsPath };
  }
}
