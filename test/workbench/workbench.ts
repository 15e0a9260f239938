/** The real workbench as a user sees it: a browser page on a fresh server, and what can be read and done there. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';

const root = process.cwd();
const screenshots = path.join(root, 'test', 'screenshots');

interface Server {
  url: string;
  stop(): Promise<void>;
}

/** The harness is plain ES modules, loaded at run time: it is not part of the test bundle. */
async function harness<T>(file: string): Promise<T> {
  return (await import(pathToFileURL(path.join(root, 'scripts', 'workbench', file)).href)) as T;
}

export class Workbench {
  private constructor(
    private readonly server: Server,
    private readonly browser: Browser,
    readonly page: Page,
    private readonly data: string,
  ) {}

  /** Opens `folder` in a fresh workbench that has the extension of this checkout. */
  static async open(folder: string): Promise<Workbench> {
    const data = mkdtempSync(path.join(tmpdir(), 'ringscope-e2e-'));
    const { startServer } = await harness<{ startServer(options: object): Promise<Server> }>('server.mjs');
    const { browserOptions } = await harness<{ browserOptions(log: (text: string) => void): Promise<object> }>(
      'browser.mjs',
    );
    const log = (text: string): void => console.log(text);
    // The status bar then names the chosen configuration: an F5 before launch.json is read only opens the Run view.
    const settings = { 'debug.showInStatusBar': 'always' };
    const server = await startServer({ extension: root, data, settings, log });
    const browser = await chromium.launch(await browserOptions(log));
    const page = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
    await page.goto(`${server.url}/?folder=${encodeURIComponent(folder)}`);
    await page.waitForSelector('.monaco-workbench .part.statusbar', { timeout: 60_000 });
    return new Workbench(server, browser, page, data);
  }

  async close(): Promise<void> {
    // An abrupt end would leave extension hosts waiting for their window.
    await this.page.close({ runBeforeUnload: true });
    await this.page.waitForTimeout(800).catch(() => {});
    await this.browser.close();
    await this.server.stop();
    rmSync(this.data, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Saved under test/screenshots, for people to look at. */
  async screenshot(name: string): Promise<void> {
    if (!existsSync(screenshots)) mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({ path: path.join(screenshots, `${name}.png`) });
  }

  /** Opens a file of the Explorer by its path below the folder, and waits until its language is known. */
  async openFile(...parts: string[]): Promise<void> {
    for (const [n, part] of parts.entries()) {
      const row = this.page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${part}"]`).first();
      await row.waitFor({ timeout: 60_000 });
      if (n === parts.length - 1) await row.dblclick();
      else if ((await row.getAttribute('aria-expanded')) !== 'true') await row.click();
    }
    await this.page.locator('[id="status.editor.mode"]', { hasText: 'NASM' }).waitFor({ timeout: 60_000 });
    await this.page.locator('[id="status.debug"]', { hasText: 'samples' }).waitFor({ timeout: 60_000 });
  }

  /** Presses a debugging key and waits until the session has stopped in `file` with the arrow on a line like `line`. */
  async go(key: string, file: string, line: RegExp): Promise<void> {
    await this.page.keyboard.press(key);
    const deadline = Date.now() + 30_000;
    let seen = '';
    while (Date.now() < deadline) {
      const stopped = await this.page.locator('.debug-toolbar .codicon-debug-continue').count();
      const [name, text] = stopped ? [await this.activeEditor(), await this.arrowLine()] : ['', ''];
      if (name === file && line.test(text)) {
        // The views follow the arrow: what they show belongs to this stop once the stack has its frames.
        await this.page.waitForTimeout(700);
        return;
      }
      seen = `${name}: ${text}`;
      await this.page.waitForTimeout(100);
    }
    throw new Error(`no stop in ${file} at ${line}; last seen "${seen}"`);
  }

  /** The rows of a debugging pane as text. */
  async rows(selector: string): Promise<string[]> {
    return this.page.$$eval(`${selector} .monaco-list-row`, rows => rows.map(row => (row.textContent ?? '').trim()));
  }
  callStack(): Promise<string[]> {
    return this.rows('.debug-call-stack');
  }
  variables(): Promise<string[]> {
    return this.rows('.debug-variables');
  }

  pane(title: string): Locator {
    return this.page.locator('.pane', { has: this.page.locator(`.pane-header .title:text-is("${title}")`) });
  }
  async expandPane(title: string): Promise<Locator> {
    const pane = this.pane(title);
    const header = pane.locator('.pane-header');
    if ((await header.getAttribute('aria-expanded')) === 'false') await header.click();
    return pane;
  }
  async collapsePane(title: string): Promise<void> {
    const header = this.pane(title).locator('.pane-header');
    if ((await header.getAttribute('aria-expanded')) === 'true') await header.click();
  }
  /** Expands a row of the Variables view whose text begins with `label`. */
  async expandVariable(label: string): Promise<void> {
    const row = this.page
      .locator('.debug-variables .monaco-list-row')
      .filter({ hasText: new RegExp(`^\\s*${label}`) })
      .first();
    await row.waitFor({ timeout: 10_000 });
    if ((await row.getAttribute('aria-expanded')) === 'false') {
      await row.locator('.monaco-tl-twistie').click();
      await this.page.waitForTimeout(300);
    }
  }
  async collapseVariable(label: string): Promise<void> {
    const row = this.page
      .locator('.debug-variables .monaco-list-row')
      .filter({ hasText: new RegExp(`^\\s*${label}`) })
      .first();
    if ((await row.getAttribute('aria-expanded')) === 'true') await row.locator('.monaco-tl-twistie').click();
    await this.page.waitForTimeout(300);
  }
  /** Text of the line that the arrow stands on, in the editor that has it. */
  async arrowLine(): Promise<string> {
    return this.page.evaluate(() => {
      const glyph = document.querySelector('.codicon-debug-stackframe');
      const editor = glyph?.closest('.monaco-editor');
      const top = glyph?.getBoundingClientRect().top;
      const line = [...(editor?.querySelectorAll('.view-line') ?? [])].find(
        candidate => Math.abs(candidate.getBoundingClientRect().top - (top ?? -1)) < 4,
      );
      return (line?.textContent ?? '').replace(/\u00a0/g, ' ').trim();
    });
  }
  /** Names of the open editors; the active one first. */
  async activeEditor(): Promise<string> {
    return (await this.page.locator('.tabs-container .tab.active .label-name').first().textContent()) ?? '';
  }
}
