/** Origins that are found by DNS: an address that changes, and services with priorities and weights. */
import assert from 'node:assert/strict';

import { DnsServer } from '../support/dns-server';
import { steadyPort } from '../support/steady-ports';
import { eventually } from '../support/waits';

import { Client } from './support/client';
import { Member } from './support/cluster';
import { publishEndlessly } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Viewer } from './support/viewer';

const HOSTS = ['127.0.0.1', '127.0.0.2'] as const;
/** Enough for both of two origins to be chosen, and for the heavier one to be chosen more often. */
const STREAMS = 60;

describe('origins by DNS', () => {
  let sandbox: Sandbox;
  let dns: DnsServer;
  let first: Member;
  let second: Member;
  let edge: Member;

  before(async () => {
    sandbox = new Sandbox();
    dns = await DnsServer.start();
    const port = await steadyPort(...HOSTS);
    const [one, two] = HOSTS;
    const vhost = 'min_latency on;';
    first = await Member.start(sandbox, 'first', { vhost, host: one, port });
    second = await Member.start(sandbox, 'second', { vhost, host: two, port });
    dns.setAddresses('origin.test', one);
    dns.setAddresses('one.test', one);
    dns.setAddresses('two.test', two);
    setServices([1, 0], [2, 0]);
    const remote = 'min_latency on; mode remote; edge_linger 1; edge_timeout';
    edge = await Member.start(sandbox, 'edge', {
      vhost: `${remote} 1; origin origin.test:${port};`,
      global: `
        resolver ${dns.address};
        vhost srv.test { ${remote} 5; origin srv:_rtmp._tcp.origin.test; }`,
    });
    const path = await source('h264-aac.flv');
    for (const origin of [first, second]) {
      for (const stream of ['moved', 'srv']) publishEndlessly(sandbox, path, origin.url(stream));
      await Promise.all([origin.srs.hasPublishers('moved'), origin.srs.hasPublishers('srv')]);
    }
  });

  after(async () => {
    await sandbox.close();
    await dns.close();
  });

  /** Priority and weight of the two origins. */
  function setServices(...numbers: readonly (readonly [number, number])[]): void {
    const services = numbers.map(([priority, weight], index) => {
      return { priority, weight, port: first.port, name: ['one.test', 'two.test'][index]! };
    });
    dns.setServices('_rtmp._tcp.origin.test', ...services);
  }

  const plays = (member: Member, stream: string): number =>
    member.program.count(new RegExp(`type=Play, stream_name=${stream},`));

  it('of one priority are chosen by weight', async () => {
    setServices([1, 3], [1, 1]);
    const players = await Promise.all(
      Array.from({ length: STREAMS }, (_, index) =>
        Client.play(edge.port, `w${index}?vhost=srv.test`),
      ),
    );
    const chosen = (): number => plays(first, 'w\\d+') + plays(second, 'w\\d+');
    await eventually(`${STREAMS} pulls`, () => chosen() >= STREAMS);
    const [heavy, light] = [plays(first, 'w\\d+'), plays(second, 'w\\d+')];
    assert.ok(heavy > light && light > 0, `${heavy} of weight 3, ${light} of weight 1`);
    for (const player of players) player.close();
  });

  it('of the lowest priority are used while they live', async () => {
    setServices([2, 0], [1, 0]);
    const viewer = await Viewer.join(edge, 'srv?vhost=srv.test');
    await viewer.flows();
    await second.srs.hasPlayers('srv');
    assert.equal(plays(first, 'srv'), 0);
    await second.kill();
    await first.srs.hasPlayers('srv');
    await viewer.resumes();
    viewer.isWell();
    viewer.client.close();
    await second.restart();
  });

  it('are asked for again when the origin of an old answer is gone', async () => {
    const viewer = await Viewer.join(edge, 'moved');
    await viewer.flows();
    await first.srs.hasPlayers('moved');
    assert.equal(plays(second, 'moved'), 0);
    const path = await source('h264-aac.flv');
    publishEndlessly(sandbox, path, second.url('moved'));
    await second.srs.hasPublishers('moved');
    dns.setAddresses('origin.test', HOSTS[1]);
    await first.kill();
    await second.srs.hasPlayers('moved');
    await viewer.resumes();
    viewer.isWell();
    viewer.client.close();
  });

  it('are found when DNS answers late', async () => {
    dns.delayMs = 500;
    const path = await source('h264-aac.flv');
    publishEndlessly(sandbox, path, second.url('late'));
    const viewer = await Viewer.join(edge, 'late');
    await viewer.flows();
    viewer.isWell();
    viewer.client.close();
  });
});
