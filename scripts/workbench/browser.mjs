import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cached, command } from './cache.mjs';

/** Ships a Chromium in an npm package, for machines that have none and may not download one. */
const PACKAGED = '@sparticuz/chromium@138.0.2';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'msedge'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  join(process.env.PROGRAMFILES ?? 'C:\\Program Files', 'Google', 'Chrome', 'Application', 'chrome.exe'),
];

/** Launch options for playwright-core: CHROME_PATH, else an installed Chromium or Chrome, else the packaged one. */
export async function browserOptions(log = () => {}) {
  const named = process.env.CHROME_PATH;
  if (named) {
    if (!existsSync(named)) throw new Error(`CHROME_PATH names ${named}, which does not exist`);
    return { executablePath: named, headless: true, args: FLAGS };
  }
  const installed = installedBrowser();
  if (installed) return { executablePath: installed, headless: true, args: FLAGS };
  if (process.platform !== 'linux') throw new Error('no Chromium or Chrome found: install one, or set CHROME_PATH');
  const folder = await cached(PACKAGED.replace('/', '-'), async partial => {
    log(`installing ${PACKAGED}, once per user: no Chromium or Chrome was found`);
    await command(partial, 'npm', 'install', '--prefix', partial, '--no-audit', '--no-fund', PACKAGED);
  });
  const entry = createRequire(join(folder, 'package.json')).resolve('@sparticuz/chromium');
  const { default: chromium } = await import(pathToFileURL(entry).href);
  return { executablePath: await chromium.executablePath(), headless: true, args: [...chromium.args, ...FLAGS] };
}

function installedBrowser() {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .flatMap(folder => NAMES.map(name => join(folder, name + suffix)));
  return [...onPath, ...PLACES].find(path => existsSync(path));
}
