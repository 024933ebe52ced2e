/** The program as a daemon: its launcher, pid file, log, signals, and the limits it is started under. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

import { Client } from './support/client';
import type { Ended } from './support/program';
import { Sandbox } from './support/sandbox';
import type { StartOptions } from './support/sandbox';
import { binary, configText, listenPort } from './support/srs';

const LOG = 'srs_log_file srs.log;';
const LOG_LINE =
  /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[(?:(?:verb|debug|trace)\]\[\d+\]\[\d+\]|(?:warn|error)\]\[\d+\]\[\d+\]\[\d+\]) \S.*$/;

describe('the daemon', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
    sandbox.write('srs.conf', configText({ global: LOG }));
  });

  afterEach(() => sandbox.close());

  const launch = (options?: StartOptions): Promise<Ended> =>
    sandbox.run(binary, ['-c', 'srs.conf'], options);
  const pid = (): number => Number(sandbox.read('srs.pid'));
  const logHas = (text: string): boolean =>
    sandbox.has('srs.log') && sandbox.read('srs.log').includes(text);

  /** Launches and expects success; the pid of the worker. */
  async function launched(options?: StartOptions): Promise<number> {
    const { status, stdout } = await launch(options);
    assert.equal(status, 0, stdout);
    const worker = /\] srs started, pid=(\d+)\n$/.exec(stdout)?.[1];
    assert.equal(sandbox.read('srs.pid'), worker);
    return Number(worker);
  }

  /** Ends the daemon and expects it to leave in good order. */
  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    process.kill(pid(), signal);
    await sandbox.isLeft();
    assert.equal(sandbox.has('srs.pid'), false);
    assert.match(sandbox.read('srs.log'), /\]\[0\] srs terminated\n$/);
  }

  it('serves when its launcher is back, in a session of its own, and ends at SIGTERM', async () => {
    const worker = await launched();
    const player = await Client.play(listenPort(sandbox.read('srs.log')), 's');
    const stat = fs.readFileSync(`/proc/${worker}/stat`, 'utf8').replace(/^.*\) /, '');
    const [, , group, session] = stat.split(' ').map(Number);
    assert.deepEqual([group, session], [worker, worker]);
    for (const stream of ['0', '1', '2']) {
      assert.equal(fs.readlinkSync(`/proc/${worker}/fd/${stream}`), '/dev/null');
    }
    await stop();
    await player.until('its end', () => player.isClosed);
    assert.ok(player.statuses.includes('NetStream.Play.Stop'));
  });

  it('writes nothing but well-formed lines to its log', async () => {
    await launched();
    const port = listenPort(sandbox.read('srs.log'));
    await sandbox.run('curl', ['-s', '-m', '20', `http://127.0.0.1:${port}/`]);
    const players = await Promise.all(['a', 'b\u00e9'].map((name) => Client.play(port, name)));
    for (const player of players) player.destroy();
    sandbox.write('srs.conf', configText({ global: `${LOG} daemon off;` }));
    process.kill(pid(), 'SIGHUP');
    await sandbox.until('a reload', () => logHas('reload config success, changes=1'));
    assert.ok(logHas('reload does not apply root daemon: on -> off (needs a restart)'));
    await stop();

    const lines = sandbox.read('srs.log').split('\n');
    assert.equal(lines.pop(), '');
    for (const line of lines) assert.match(line, LOG_LINE);
    for (const level of ['trace', 'warn', 'error']) {
      assert.ok(
        lines.some((line) => line.includes(`][${level}][`)),
        level,
      );
    }
  });

  it('refuses a second start with the same pid file and names the first', async () => {
    const worker = await launched();
    const { status, stdout } = await launch();
    assert.equal(status, 2);
    assert.ok(stdout.includes(`srs is already running! pid=${worker}, pid file srs.pid, ret=1035`));
    assert.equal(pid(), worker);
    await stop();
  });

  it('starts again over the pid file that a killed one left', async () => {
    const worker = await launched();
    process.kill(worker, 'SIGKILL');
    await sandbox.isLeft();
    assert.equal(pid(), worker);
    assert.notEqual(await launched(), worker);
    await stop();
  });

  it('goes on in a new log file after a rotation and SIGUSR1', async () => {
    await launched();
    fs.renameSync(sandbox.path('srs.log'), sandbox.path('srs.log.1'));
    process.kill(pid(), 'SIGUSR1');
    await sandbox.until('a new log', () => logHas('log file reopened'));
    await stop();
    assert.match(sandbox.read('srs.log.1'), /RTMP listen at/);
    assert.doesNotMatch(sandbox.read('srs.log'), /RTMP listen at/);
  });

  it('reports a port in use, in the background and in front', async () => {
    const holder: Server = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = holder.address() as AddressInfo;
      const message = `RTMP stream listen at port ${port} failed: .*EADDRINUSE, ret=1002`;
      const taken = configText({ global: LOG }).replace('127.0.0.1:0', `127.0.0.1:${port}`);
      sandbox.write('srs.conf', taken);
      const background = await launch();
      assert.equal(background.status, 2);
      assert.match(background.stdout, new RegExp(`srs did not start: ${message}, see srs.log\n$`));
      assert.match(sandbox.read('srs.log'), new RegExp(`${message}\\(address already in use\\)\n`));

      sandbox.write('srs.conf', `${taken}daemon off; srs_log_tank console;`.replace(LOG, ''));
      const front = await launch();
      assert.equal(front.status, 2);
      assert.match(front.stdout, new RegExp(`srs cannot start: ${message}`));
      assert.equal(sandbox.has('srs.pid'), false);
    } finally {
      holder.close();
    }
  });

  it('says which value to change when the hard limit of open files is too low', async () => {
    const { status, stdout } = await sandbox.run('prlimit', [
      ...['--nofile=512:512', binary, '-c', 'srs.conf'],
    ]);
    assert.equal(status, 1);
    assert.match(
      stdout,
      /invalid max_connections=1000, required=1008, system limit to 512, .*change max_connections from 1000 to 504, .*ulimit -HSn 1008, ret=1023\n$/,
    );
  });

  it('raises a soft limit of open files that is too low', async () => {
    const { status } = await sandbox.run('prlimit', [
      ...['--nofile=256:4096', binary, '-c', 'srs.conf'],
    ]);
    assert.equal(status, 0);
    const limits = fs.readFileSync(`/proc/${pid()}/limits`, 'utf8');
    const soft = Number(/^Max open files +(\d+)/m.exec(limits)?.[1]);
    assert.ok(soft > 1000, `soft limit ${soft}`);
    await stop();
  });

  it('needs no home, no environment, and leaves nothing in either or in the temporary directory', async () => {
    fs.mkdirSync(sandbox.path('tmp'));
    fs.mkdirSync(sandbox.path('home'));
    const TMPDIR = sandbox.path('tmp');
    // Nobody, not even root, can write in /proc.
    const environments: NodeJS.ProcessEnv[] = [
      {},
      { TMPDIR },
      { TMPDIR, HOME: '/proc' },
      { TMPDIR, HOME: sandbox.path('home') },
      { TMPDIR: '/proc', HOME: '/proc' },
    ];
    for (const env of environments) {
      await launched({ env });
      await stop();
    }
    assert.deepEqual(fs.readdirSync(TMPDIR), []);
    assert.deepEqual(fs.readdirSync(sandbox.path('home')), []);
    assert.deepEqual(fs.readdirSync(sandbox.directory).sort(), [
      'home',
      'srs.conf',
      'srs.log',
      'tmp',
    ]);
  });

  it('keeps its files below work_dir', async () => {
    fs.mkdirSync(sandbox.path('run'));
    sandbox.write('srs.conf', configText({ global: `${LOG}\nwork_dir run;` }));
    const { status } = await launch();
    assert.equal(status, 0);
    assert.deepEqual(fs.readdirSync(sandbox.path('run')).sort(), ['srs.log', 'srs.pid']);
    process.kill(Number(sandbox.read('run/srs.pid')), 'SIGTERM');
    await sandbox.isLeft();
    assert.deepEqual(fs.readdirSync(sandbox.directory).sort(), ['run', 'srs.conf']);
  });
});
