/** The service script of an installed tree: start, status, restart, stop, and what it says of each failure. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { Client } from './support/client';
import { Sandbox } from './support/sandbox';
import { binary, configText, listenPort } from './support/srs';

const SCRIPT = join(__dirname, '../../etc/init.d/srs');
const FILES = 'srs_log_file ./objs/srs.log;';

describe('the service script', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
    for (const folder of ['objs', 'conf']) fs.mkdirSync(sandbox.path(folder));
    fs.symlinkSync(binary, sandbox.path('objs/srs'));
    const script = fs.readFileSync(SCRIPT, 'utf8');
    sandbox.write('service', script.replace(/^ROOT=.*/m, `ROOT="${sandbox.directory}"`));
    configure(FILES);
  });

  afterEach(() => sandbox.close());

  function configure(global: string): void {
    const text = configText({ global }).replace('pid srs.pid;', 'pid ./objs/srs.pid;');
    sandbox.write('conf/srs.conf', text);
  }

  /** Runs the script from elsewhere; status and output. */
  async function service(...args: string[]): Promise<[number | null, string]> {
    const { status, stdout, stderr } = await sandbox.run('sh', ['../service', ...args], {
      cwd: 'conf',
    });
    assert.equal(stderr, '');
    return [status, stdout];
  }

  const pid = (): string => sandbox.read('objs/srs.pid');
  const line = (text: string, result: string): string => `${text.padEnd(59)}[${result}]\n`;

  it('starts, tells the status, restarts and stops', async () => {
    assert.deepEqual(await service('status'), [
      1,
      line('SRS is stopped, file ./objs/srs.pid does not exists', 'FAILED'),
    ]);
    const [status, output] = await service('start');
    const first = pid();
    assert.deepEqual([status, output], [0, line(`SRS started(pid ${first})`, '  OK  ')]);
    assert.deepEqual(await service('status'), [0, line(`SRS(pid ${first}) is running.`, '  OK  ')]);
    assert.deepEqual(await service('start'), [
      0,
      line(`SRS started(pid ${first}), should not start it again.`, 'FAILED'),
    ]);
    (await Client.play(listenPort(sandbox.read('objs/srs.log')), 's')).destroy();

    const [restarted, lines] = await service('restart');
    assert.notEqual(pid(), first);
    const expected = line('SRS stopped', '  OK  ') + line(`SRS started(pid ${pid()})`, '  OK  ');
    assert.deepEqual([restarted, lines], [0, expected]);

    assert.deepEqual(await service('reload'), [0, line('SRS reloaded', '  OK  ')]);
    assert.deepEqual(await service('stop'), [0, line('SRS stopped', '  OK  ')]);
    assert.deepEqual(sandbox.processes(), []);
    assert.equal(sandbox.has('objs/srs.pid'), false);
    assert.deepEqual(await service('stop'), [0, line('SRS not start.', 'FAILED')]);
    assert.match(sandbox.read('objs/srs.log'), /srs terminated\n$/);
  });

  it('starts over the pid file of a killed server, and over that of another program', async () => {
    await service('start');
    process.kill(Number(pid()), 'SIGKILL');
    await sandbox.isLeft();
    const killed = pid();
    assert.deepEqual(await service('status'), [
      1,
      line(`SRS is stopped, process ${killed} does not exists`, 'FAILED'),
    ]);
    // This test runs, but it is no server.
    sandbox.write('objs/srs.pid', String(process.pid));
    assert.equal((await service('status'))[0], 1);
    assert.equal((await service('start'))[0], 0);
    assert.equal((await service('stop'))[0], 0);
  });

  it('reports a start that failed, and where to read why', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, '127.0.0.1', resolve);
    });
    try {
      const { port } = holder.address() as AddressInfo;
      const text = sandbox.read('conf/srs.conf').replace('127.0.0.1:0', `127.0.0.1:${port}`);
      sandbox.write('conf/srs.conf', text);
      const expected = [1, `${line('SRS start failed', 'FAILED')}see ./objs/srs.log\n`];
      assert.deepEqual(await service('start'), expected);
      assert.match(sandbox.read('objs/srs.log'), /srs did not start: .*ret=1002/);

      configure(`${FILES} no_such_directive;`);
      assert.deepEqual(await service('start'), expected);
      assert.match(sandbox.read('objs/srs.log'), /srs\.conf:5: .*no_such_directive/);
    } finally {
      holder.close();
    }
  });

  it('prints its usage for anything else', async () => {
    const expected = [1, 'Usage: ../service {start|stop|status|restart|reload}\n'];
    assert.deepEqual(await service(), expected);
    assert.deepEqual(await service('fly'), expected);
  });
});
