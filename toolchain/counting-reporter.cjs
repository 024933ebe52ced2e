// Mocha's spec reporter, which also writes "passed failed skipped" to the file named by SRS_TEST_RESULT.
const { writeFileSync } = require('node:fs');

const { reporters, Runner } = require('mocha');

class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(process.env.SRS_TEST_RESULT, `${passes} ${failures} ${pending}\n`);
    });
  }
}

module.exports = CountingReporter;
