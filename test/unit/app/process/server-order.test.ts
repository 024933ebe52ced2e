import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { isAlive, orderServer } from '../../../../src/app/process/server-order';
import type { OrderParts } from '../../../../src/app/process/server-order';

const PID = 4321;

/** A server that ends after some time, or only at a certain signal; time passes by sleeping. */
class OrderedServer implements OrderParts {
  readonly signals: string[] = [];
  holder: number | undefined = PID;
  /** How long it takes to end after SIGTERM, ms. */
  endsAfterMs = 100;
  #nowMs = 0;
  #goneMs = Infinity;

  findHolder(): number | undefined {
    return this.holder;
  }

  kill(pid: number, signal: NodeJS.Signals): void {
    assert.equal(pid, PID);
    this.signals.push(`${this.#nowMs} ${signal}`);
    if (signal === 'SIGTERM') this.#goneMs = Math.min(this.#goneMs, this.#nowMs + this.endsAfterMs);
    if (signal === 'SIGKILL') this.#goneMs = this.#nowMs;
  }

  isAlive(): boolean {
    return this.#nowMs < this.#goneMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number): Promise<void> {
    this.#nowMs += ms;
    return Promise.resolve();
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(`kill ${code}`), { code });
}

describe('orderServer', () => {
  let server: OrderedServer;

  beforeEach(() => {
    server = new OrderedServer();
  });

  it('signals a reload by SIGHUP and a reopening of the log by SIGUSR1, and waits for neither', async () => {
    assert.equal(
      await orderServer('reload', 'srs.pid', server),
      'reload signalled to srs, pid=4321; its log tells more',
    );
    await orderServer('reopen', 'srs.pid', server);
    assert.deepEqual(server.signals, ['0 SIGHUP', '0 SIGUSR1']);
  });

  it('says so when no server runs with the pid file, and signals nobody', async () => {
    server.holder = undefined;
    for (const order of ['reload', 'reopen', 'quit', 'stop'] as const) {
      await assert.rejects(orderServer(order, 'objs/srs.pid', server), {
        code: 1034,
        message: 'srs is not running, pid file objs/srs.pid',
      });
    }
    assert.deepEqual(server.signals, []);
  });

  it('waits at quit and at stop until the server is gone', async () => {
    for (const order of ['quit', 'stop'] as const) {
      server = new OrderedServer();
      assert.equal(await orderServer(order, 'srs.pid', server), 'srs has ended, pid=4321');
      assert.equal(server.nowMs(), 100);
      assert.deepEqual(server.signals, ['0 SIGTERM']);
    }
  });

  it('gives up at quit after a while, and never forces', async () => {
    server.endsAfterMs = Infinity;
    await assert.rejects(orderServer('quit', 'srs.pid', server), {
      code: 1058,
      message: 'srs does not end, pid=4321, -s stop ends it by force',
    });
    assert.equal(server.nowMs(), 15_000);
    assert.deepEqual(server.signals, ['0 SIGTERM']);
  });

  it('forces at stop what has not ended after five seconds', async () => {
    server.endsAfterMs = Infinity;
    assert.equal(
      await orderServer('stop', 'srs.pid', server),
      'srs has ended, forced by SIGKILL, pid=4321',
    );
    assert.deepEqual(server.signals, ['0 SIGTERM', '5000 SIGTERM', '7000 SIGKILL']);
  });

  it('takes a server that ends before the signal for one that has ended', async () => {
    server.kill = () => {
      throw systemError('ESRCH');
    };
    assert.equal(await orderServer('quit', 'srs.pid', server), 'srs has ended, pid=4321');
    await assert.rejects(orderServer('reload', 'srs.pid', server), {
      code: 1034,
      message: 'srs has just ended, pid=4321',
    });
  });

  it('says so when it may not signal the server', async () => {
    server.kill = () => {
      throw systemError('EPERM');
    };
    await assert.rejects(orderServer('stop', 'srs.pid', server), {
      code: 1058,
      message: 'cannot send SIGTERM to srs, pid=4321: kill EPERM',
    });
  });
});

describe('isAlive', () => {
  it('knows a process that runs from one that has ended', async () => {
    assert.equal(isAlive(process.pid), true);
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const pid = child.pid ?? 0;
    assert.equal(isAlive(pid), true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(isAlive(pid), false);
  });
});
