import { format } from 'node:util';
import { chromium } from 'playwright-core';
import { browserOptions } from './browser.mjs';
import { pause, startServer } from './server.mjs';

/**
 * Runs a test suite inside the extension host of a fresh browser workbench.
 * `suite` is a CommonJS file that exports `run()`; its result is 0 when the promise fulfils. `env` reaches the extension host.
 */
export async function runInside({ extension, folder, suite, data, env = {}, log, timeout = 180_000 }) {
  const options = await browserOptions(log);
  Object.assign(process.env, env);
  const server = await startServer({ extension, data, log });
  try {
    const browser = await chromium.launch(options);
    try {
      const page = await browser.newPage();
      const finished = new Promise(resolve => page.exposeFunction('codeAutomationExit', resolve));
      await page.exposeFunction('codeAutomationLog', (_type, args) => log(format(...args)));
      const payload = JSON.stringify([
        ['extensionDevelopmentPath', `vscode-remote://${server.host}${extension}`],
        ['extensionTestsPath', `vscode-remote://${server.host}${suite}`],
        ['skipWelcome', 'true'],
      ]);
      await page.goto(`${server.url}/?folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(payload)}`);
      const code = await Promise.race([finished, pause(timeout).then(() => 'timeout')]);
      // An abrupt end would leave the extension host waiting for its window to come back.
      await page.close({ runBeforeUnload: true });
      await pause(800);
      return code;
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
  }
}
