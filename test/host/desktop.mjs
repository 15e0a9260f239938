/* npm run test:desktop: the suite of test/host in a desktop VS Code, which @vscode/test-electron downloads. */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runTests } from '@vscode/test-electron';

const root = resolve(import.meta.dirname, '..', '..');
try {
  await runTests({
    extensionDevelopmentPath: root,
    extensionTestsPath: join(root, 'test', 'host', 'index.cjs'),
    launchArgs: [join(root, 'samples'), '--disable-extensions', '--user-data-dir', join(tmpdir(), 'ringscope-desktop')],
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
