import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { browserOptions } from '../../scripts/workbench/browser.mjs';
import { pause, startServer, type WorkbenchServer } from '../../scripts/workbench/server.mjs';

export const ROOT = resolve(__dirname, '..', '..', '..');
const SCREENSHOTS = join(ROOT, 'test', 'screenshots');

/** A real workbench with the extension, driven as a person does: by mouse and keyboard, looking at what is on the screen. */
export class Workbench {
  private constructor(
    readonly page: Page,
    private readonly browser: Browser,
    private readonly server: WorkbenchServer,
    private readonly data: string,
  ) {}

  /** Opens a copy of the samples: the editor saves what is typed into it. */
  static async open(): Promise<Workbench> {
    const data = mkdtempSync(join(tmpdir(), 'ringscope-e2e-'));
    const folder = join(data, 'files', 'samples');
    cpSync(join(ROOT, 'samples'), folder, { recursive: true });
    const server = await startServer({ extension: ROOT, data });
    try {
      const browser = await chromium.launch(await browserOptions());
      const page = await browser.newPage({ viewport: { width: 1500, height: 950 } });
      page.setDefaultTimeout(30_000);
      await page.goto(`${server.url}/?folder=${encodeURIComponent(folder)}`);
      await page.waitForSelector('.monaco-workbench .part.statusbar');
      return new Workbench(page, browser, server, data);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    // An abrupt end leaves extension hosts alive, waiting for their window to come back.
    await this.page.close({ runBeforeUnload: true });
    await pause(800);
    await this.browser.close();
    await this.server.stop();
    rmSync(this.data, { recursive: true, force: true, maxRetries: 5, retryDelay: 300 });
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  /** Opens a file in a folder of the Explorer. */
  async openFile(folder: string, file: string): Promise<void> {
    const rows = '.explorer-folders-view .monaco-list-row';
    const parent = this.page.locator(`${rows}[aria-label^="${folder}"]`).first();
    await parent.waitFor();
    if ((await parent.getAttribute('aria-expanded')) !== 'true') await parent.click();
    // Files of one name lie in several folders: the first one below this folder is meant. Rows are not in order in the DOM.
    const listed = () =>
      this.page.$$eval(rows, found =>
        found
          .map(row => ({
            index: Number(row.getAttribute('data-index')),
            level: Number(row.getAttribute('aria-level')),
            text: (row.textContent ?? '').trim(),
          }))
          .sort((a, b) => a.index - b.index),
      );
    const deadline = Date.now() + 20_000;
    for (;;) {
      const names = await listed();
      const from = names.findIndex(({ text }) => text === folder);
      const after = names.slice(from + 1);
      const end = after.findIndex(({ level }) => level <= names[from]?.level);
      const found = after.slice(0, end < 0 ? undefined : end).find(({ text }) => text === file);
      if (from >= 0 && found) {
        await this.page.locator(`${rows}[data-index="${found.index}"]`).dblclick();
        break;
      }
      if (Date.now() > deadline) throw new Error(`${folder}/${file} is not in the Explorer`);
      await pause(100);
    }
    // What was opened last is the active editor, by its path.
    await this.page.locator('.monaco-breadcrumbs', { hasText: folder }).waitFor();
    // The language is known: only now can breakpoints be set and F5 find its debugger.
    await this.page.locator('[id="status.editor.mode"]', { hasText: 'NASM' }).waitFor();
  }

  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  /** Starts debugging; resolves when the session is there. */
  async debug(): Promise<void> {
    const toolbar = this.page.locator('.debug-toolbar');
    // While a window is still loading its extensions, VS Code takes F5 for "show the Run view": press it again.
    for (let n = 0; n < 5; n++) {
      await this.press('F5');
      const started = await toolbar.waitFor({ timeout: 6_000 }).then(
        () => true,
        () => false,
      );
      if (started) return;
    }
    throw new Error('F5 did not start a session');
  }

  /** Starts a configuration of launch.json by its name; resolves when it stands at its entry, which takes the focus. */
  async debugConfiguration(name: string): Promise<void> {
    await this.command('Debug: Select and Start Debugging');
    const input = this.page.locator('.quick-input-widget input[type="text"]').first();
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first();
    await row.waitFor();
    await input.pressSequentially(name);
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: name }).waitFor();
    await this.press('Enter');
    await this.page.locator('.debug-toolbar').waitFor();
    await this.page.locator('.debug-top-stack-frame-line').first().waitFor();
  }

  /** Puts the cursor of the editor into a line. */
  async goToLine(line: number): Promise<void> {
    await this.page.locator('.editor-instance .view-lines').first().click();
    await this.press('Control+g');
    const input = this.page.locator('.quick-input-widget input[type="text"]').first();
    await input.waitFor();
    await input.fill(`:${line}`);
    await this.press('Enter');
    await this.cursorAt(line);
  }

  /** Runs a command by its title in the palette. */
  async command(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input[type="text"]').first();
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    // A debugger that stops takes the focus, and the palette closes: a person would open it again.
    for (let n = 0; ; n++) {
      await this.press('F1');
      await input.waitFor();
      try {
        await input.fill(`>${title}`, { timeout: 3_000 });
        await row.waitFor({ timeout: 3_000 });
        break;
      } catch (error) {
        if (n === 4) throw error;
      }
    }
    await this.press('Enter');
  }

  /** Texts of the rows of a view, as a person reads them. */
  texts(selector: string): Promise<string[]> {
    return this.page.$$eval(selector, rows => rows.map(row => row.textContent ?? ''));
  }

  /** Waits until `look` is content with the rows of a view. */
  async rows(selector: string, look: (texts: string[]) => boolean): Promise<string[]> {
    const end = Date.now() + 20_000;
    for (;;) {
      const texts = await this.texts(selector);
      if (look(texts)) return texts;
      if (Date.now() > end) throw new Error(`waited in vain; ${selector} shows\n${texts.join('\n')}`);
      await pause(100);
    }
  }

  /** Waits for the Call Stack to have a first frame of that name and place. */
  stack(look: (texts: string[]) => boolean): Promise<string[]> {
    return this.rows('.debug-call-stack .monaco-list-row', look);
  }

  /** A pane of the side bar by its title. */
  pane(title: string): Locator {
    return this.page.locator('.pane', { has: this.page.locator(`.pane-header[aria-label^="${title}"]`) });
  }

  async expandPane(title: string, expanded = true): Promise<void> {
    const header = this.pane(title).locator('.pane-header').first();
    await header.waitFor();
    if ((await header.getAttribute('aria-expanded')) !== String(expanded)) await header.click();
  }

  /** Opens or closes a scope or variable of the Variables view. */
  async toggleVariable(name: string): Promise<void> {
    const row = this.page.locator('.debug-variables .monaco-list-row', { hasText: new RegExp(`^${name}\\b`) }).first();
    await row.waitFor();
    await row.locator('.monaco-tl-twistie').click();
  }

  /** Types a new value for a variable. */
  async setVariable(name: string, value: string): Promise<void> {
    const row = this.page.locator('.debug-variables .monaco-list-row', { hasText: new RegExp(`^${name} ?=`) }).first();
    await row.locator('.value').dblclick();
    const input = this.page.locator('.debug-variables input');
    await input.waitFor();
    await input.fill(value);
    await this.press('Enter');
  }

  /** What the debugger's hover says of `word` in the line that holds `line`. */
  async hover(line: string, word: string): Promise<string> {
    // Monaco renders blanks as non-breaking ones.
    const text = new RegExp(line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, '\\s+'));
    const row = this.page.locator('.editor-instance .view-line', { hasText: text }).first();
    await this.page.locator('.editor-instance .view-lines').first().hover();
    // Lines that are out of sight are not there at all.
    for (let n = 0; n < 20 && !(await row.count()); n++) {
      await this.page.mouse.wheel(0, 60);
      await pause(200);
    }
    const span = row.locator('span', { hasText: new RegExp(`^[\\s,]*${word}\\s*$`) }).last();
    const hover = this.page.locator('.debug-hover-widget').filter({ hasText: '0x' });
    // A movement that comes while the editor still lays itself out is lost: a person would move the mouse again.
    for (let n = 0; n < 10; n++) {
      const box = (await span.boundingBox())!;
      await this.page.mouse.move(box.x + box.width - 4, box.y + 60 + n);
      await this.page.mouse.move(box.x + box.width - 6, box.y + box.height / 2, { steps: 4 });
      if (
        await hover.waitFor({ timeout: 2000 }).then(
          () => true,
          () => false,
        )
      )
        break;
    }
    return (await hover.textContent()) ?? '';
  }

  /** Chooses from the context menu that is open. */
  async menu(title: string): Promise<void> {
    const item = this.page.locator('.monaco-menu .action-item', { hasText: title });
    await item.waitFor();
    // By keyboard: a menu ignores the mouse for a while, so that the click that opened it does not choose.
    const titles = await this.texts('.monaco-menu .action-item:not(.disabled)');
    for (let n = 0; n <= titles.findIndex(text => text.includes(title)); n++) await this.press('ArrowDown');
    await pause(300);
    await this.press('Enter');
    await item.waitFor({ state: 'hidden' });
  }

  /** Waits for the cursor of the editor to be in that line. */
  async cursorAt(line: number): Promise<void> {
    await this.page.locator('[id="status.editor.selection"]', { hasText: `Ln ${line},` }).waitFor();
  }
}
