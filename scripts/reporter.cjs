/* Mocha's `spec` output, and the counts as JSON in the file that RINGSCOPE_TEST_RESULTS names. */
const { reporters } = require('mocha');
const { writeFileSync } = require('node:fs');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      const file = process.env.RINGSCOPE_TEST_RESULTS;
      if (file) writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
