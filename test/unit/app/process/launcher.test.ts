import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';

import { launchWorker, selfCommand } from '../../../../src/app/process/launcher';

const node = process.execPath;

/** Runs a piece of JavaScript as the worker. */
function launch(
  script: string,
  timeoutMs?: number,
): Promise<{ status: number; message: string; pid: number }> {
  return launchWorker({ program: node, args: ['-e', script] }, tmpdir(), timeoutMs);
}

const report = (message: string): string =>
  `require('fs').writeSync(3, JSON.stringify({ status: 0, message: ${message} }));` +
  "require('fs').closeSync(3);";

describe('selfCommand', () => {
  const self = { execPath: node, execArgv: ['--require', 'tsx/cjs'] };

  it('repeats node, its options and the script', () => {
    assert.deepEqual(selfCommand({ ...self, argv: [node, __filename, '-c', 'a.conf'] }), {
      program: node,
      args: ['--require', 'tsx/cjs', __filename, '-c', 'a.conf'],
    });
  });

  it('repeats a packed program alone', () => {
    const argv = ['/opt/srs', '/snapshot/srs.cjs', '-c', 'a.conf'];
    assert.deepEqual(selfCommand({ execPath: '/opt/srs', execArgv: [], argv, pkg: {} }), {
      program: '/opt/srs',
      args: ['-c', 'a.conf'],
    });
  });

  it('knows a single-file program by its own name in place of a script', () => {
    for (const name of [node, 'srs-by-path-search']) {
      assert.deepEqual(selfCommand({ ...self, argv: [name, name, '-c', 'a.conf'] }), {
        program: node,
        args: ['-c', 'a.conf'],
      });
    }
  });
});

describe('launchWorker', () => {
  it('hands on what the worker reports, and its pid', async () => {
    const { status, message, pid } = await launch(report('String(process.pid)'));
    assert.equal(status, 0);
    assert.equal(message, String(pid));
  });

  it('gives the worker a session of its own, no terminal and the directory asked for', async () => {
    const facts = `(() => {
      const stat = require('fs').readFileSync('/proc/self/stat', 'utf8');
      const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
      const streams = [0, 1, 2].map((fd) => require('fs').readlinkSync('/proc/self/fd/' + fd));
      return [session === String(process.pid), ...streams, process.cwd()].join();
    })()`;
    const { message } = await launch(report(facts));
    assert.equal(message, `true,/dev/null,/dev/null,/dev/null,${tmpdir()}`);
  });

  it('marks the worker as one, and as packed by nobody else', async () => {
    const facts = "process.env.SRS_DAEMON_WORKER + '|' + process.env.PKG_EXECPATH";
    assert.equal((await launch(report(facts))).message, '1|');
  });

  it('does not wait for the worker to end', async () => {
    const { message, pid } = await launch(`${report("'up'")} setInterval(() => {}, 1000);`);
    assert.equal(message, 'up');
    assert.ok(process.kill(pid, 'SIGKILL'));
  });

  it('tells how a worker ended that said nothing', async () => {
    assert.deepEqual(
      { ...(await launch('process.exit(7)')), pid: 0 },
      { status: 2, message: 'the worker ended without a word, status 7', pid: 0 },
    );
    const killed = await launch("process.kill(process.pid, 'SIGKILL')");
    assert.equal(killed.message, 'the worker ended without a word, SIGKILL');
  });

  it('kills a worker that hangs', async () => {
    const { status, message, pid } = await launch('setInterval(() => {}, 1000)', 50);
    assert.equal(status, 2);
    assert.equal(message, 'the worker gave no sign for 50 ms and was killed');
    assert.notEqual(pid, 0);
  });

  it('says why a worker cannot be started', async () => {
    const { status, message } = await launchWorker({ program: '/none/srs', args: [] }, tmpdir());
    assert.equal(status, 2);
    assert.match(message, /^cannot start the worker: .*ENOENT/);
  });
});
