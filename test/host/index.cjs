/* Loaded by VS Code (desktop or browser workbench) into its extension host; runs out/test/host/*.test.js there. */
const { default: Mocha } = require('mocha');
const { readdirSync } = require('node:fs');
const path = require('node:path');

exports.run = function run() {
  const root = path.resolve(__dirname, '..', '..');
  const folder = path.join(root, 'out', 'test', 'host');
  const mocha = new Mocha({
    ui: 'bdd',
    timeout: 30_000,
    reporter: path.join(root, 'scripts', 'reporter.cjs'),
    forbidOnly: true,
  });
  for (const file of readdirSync(folder).filter(name => name.endsWith('.test.js')))
    mocha.addFile(path.join(folder, file));
  return new Promise((resolve, reject) => {
    mocha.run(failures => (failures ? reject(new Error(`${failures} tests failed in the extension host`)) : resolve()));
  });
};
