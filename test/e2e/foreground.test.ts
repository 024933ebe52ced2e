/** The program in front: signals, statuses, and the promise of asprocess. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';

import { Sandbox } from './support/sandbox';
import { binary, configText, Srs } from './support/srs';

describe('the server in front', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
  });

  afterEach(() => sandbox.close());

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2'] as const) {
    it(`ends in good order at ${signal}`, async () => {
      const { program } = await Srs.start(sandbox);
      assert.equal(sandbox.read('srs.pid'), String(program.pid));
      program.kill(signal);
      const { stdout, stderr } = await program.succeeds();
      assert.match(stdout, new RegExp(`${signal}: user terminate program, gracefully quit\\.\n`));
      assert.match(stdout, /srs terminated\n$/);
      assert.equal(stderr, '');
      assert.equal(sandbox.has('srs.pid'), false);
    });
  }

  it('ends at once at a second signal, with the status that belongs to it', async () => {
    const { program, port } = await Srs.start(sandbox);
    // A peer that does not close its side holds an orderly stop up.
    const peer = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await program.prints('RTMP client ip=');
    program.kill('SIGTERM');
    await program.prints('cleanup for gracefully terminate');
    program.kill('SIGINT');
    const { status, stdout } = await program.ended;
    peer.destroy();
    assert.equal(status, 130);
    assert.match(stdout, /SIGINT again: quit at once\n$/);
    assert.equal(sandbox.has('srs.pid'), false);
  });

  it('is not bothered by the end of those who read its log', async () => {
    sandbox.write('srs.conf', configText({ global: 'daemon off; srs_log_tank console;' }));
    const shell = sandbox.start('bash', ['-c', `"${binary}" -c srs.conf | head -n 1`]);
    await sandbox.until(
      'a pid file',
      () => sandbox.has('srs.pid') && sandbox.read('srs.pid') !== '',
    );
    await shell.prints('SRS/');
    process.kill(Number(sandbox.read('srs.pid')), 'SIGTERM');
    await sandbox.isLeft();
    assert.equal(sandbox.has('srs.pid'), false);
  });

  it('follows its parent with asprocess', async () => {
    const global = 'daemon off; asprocess on; srs_log_file srs.log;';
    sandbox.write('srs.conf', configText({ global }));
    const parent = sandbox.start('bash', ['-c', `"${binary}" -c srs.conf & wait`]);
    const logHas = (text: string): boolean =>
      sandbox.has('srs.log') && sandbox.read('srs.log').includes(text);
    await sandbox.until('a listener', () => logHas('RTMP listen at'));
    process.kill(parent.pid, 'SIGKILL');
    await sandbox.until('the end', () => logHas('srs terminated'));
    assert.ok(logHas('asprocess: the parent process is gone'));
    await sandbox.isLeft();
  });
});
