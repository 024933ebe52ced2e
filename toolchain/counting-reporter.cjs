// Mocha's spec reporter, which also leaves what the last lines of a test run say: "passed failed skipped" in the file
// named by SRS_TEST_RESULT, and in the same with .failed a line for each test that failed.
const { writeFileSync } = require('node:fs');

const { reporters, Runner } = require('mocha');

/** Longest line, in characters. */
const MAX_LINE = 400;

class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      const file = process.env.SRS_TEST_RESULT;
      writeFileSync(file, `${passes} ${failures} ${pending}\n`);
      writeFileSync(`${file}.failed`, this.failures.map(failureLine).join(''));
    });
  }
}

function failureLine(test) {
  const [at = ''] = /\S*\.test\.ts:\d+/.exec(test.err?.stack ?? '') ?? [];
  const text = `${test.fullTitle()}: ${test.err?.message ?? 'failed'} ${at}`;
  return `${text.replace(/\s+/g, ' ').slice(0, MAX_LINE)}\n`;
}

module.exports = CountingReporter;
