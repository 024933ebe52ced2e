import assert from 'node:assert/strict';

import { PublisherLimit } from '../../../../src/app/access/publisher-limit';
import type { VhostOptions } from '../../../../src/app/config/config';

import { vhostOf } from './harness';

/** A publisher of `a.com` that sends by calls. */
class FakePublisher {
  readonly names = { vhost: 'a.com' };
  readonly kicks: string[] = [];
  bytes = 0;

  bytesReceived(): number {
    return this.bytes;
  }

  kick(reason: string): void {
    this.kicks.push(reason);
  }
}

class Sweeps {
  readonly publishers: FakePublisher[] = [];
  readonly limit: PublisherLimit;
  vhosts: VhostOptions[];
  asked = 0;

  constructor(limits: string) {
    this.vhosts = [vhostOf(limits)];
    this.limit = new PublisherLimit({
      vhosts: () => this.vhosts,
      publishers: () => {
        this.asked++;
        return this.publishers;
      },
    });
  }

  add(): FakePublisher {
    const publisher = new FakePublisher();
    this.publishers.push(publisher);
    return publisher;
  }

  /** A sweep each 5 s, over which each publisher sends so many kbps. */
  run(fromMs: number, toMs: number, kbps: number): void {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 5000) {
      this.limit.sweep(nowMs);
      for (const publisher of this.publishers) publisher.bytes += (kbps * 5000) / 8;
    }
  }
}

const limited = 'limits { publisher_kbps 4000; }';

describe('the limit of what a publisher may send', () => {
  it('closes one that sends more for ten seconds, and says how much', () => {
    const sweeps = new Sweeps(limited);
    const publisher = sweeps.add();
    sweeps.run(0, 5000, 5210);
    assert.deepEqual(publisher.kicks, []);
    sweeps.run(10_000, 10_000, 0);
    assert.deepEqual(publisher.kicks, [
      'the publisher sends 5210 kbps, a limit of its vhost allows 4000',
    ]);
  });

  it('leaves one alone that sends as much as it may', () => {
    const sweeps = new Sweeps(limited);
    const publisher = sweeps.add();
    sweeps.run(0, 120_000, 4000);
    assert.deepEqual(publisher.kicks, []);
  });

  it('takes a burst as part of the time around it', () => {
    const sweeps = new Sweeps(limited);
    const publisher = sweeps.add();
    sweeps.run(0, 0, 1000);
    sweeps.run(5000, 5000, 7000);
    sweeps.run(10_000, 15_000, 1000);
    assert.deepEqual(publisher.kicks, []);
  });

  it('looks at each window anew: an hour of little does not pay for a flood', () => {
    const sweeps = new Sweeps(limited);
    const publisher = sweeps.add();
    sweeps.run(0, 3_600_000, 10);
    sweeps.run(3_605_000, 3_620_000, 50_000);
    assert.ok(publisher.kicks.length > 0);
  });

  it('does not count what came before it was first seen', () => {
    const sweeps = new Sweeps(limited);
    const publisher = sweeps.add();
    publisher.bytes = 1e12;
    sweeps.run(0, 30_000, 100);
    assert.deepEqual(publisher.kicks, []);
  });

  it('asks for no publishers while no vhost has it', () => {
    const sweeps = new Sweeps('limits { clients 1; }');
    const publisher = sweeps.add();
    sweeps.run(0, 30_000, 1e6);
    assert.deepEqual([sweeps.asked, publisher.kicks], [0, []]);
  });

  it('is that of the vhost as it is configured now', () => {
    const sweeps = new Sweeps('');
    const publisher = sweeps.add();
    sweeps.run(0, 30_000, 5000);
    sweeps.vhosts = [vhostOf(limited)];
    sweeps.run(35_000, 50_000, 5000);
    assert.ok(publisher.kicks.length > 0);
  });

  it('is not that of another vhost', () => {
    const sweeps = new Sweeps(limited);
    const other = Object.assign(sweeps.add(), { names: { vhost: 'b.com' } });
    sweeps.run(0, 30_000, 5000);
    assert.deepEqual(other.kicks, []);
  });
});
