import assert from 'node:assert/strict';

import type { Authorizer, Refusal } from '../../src/app/access/access';
import { Config } from '../../src/app/config/config';
import { systemClock } from '../../src/core/clock';
import { ErrorCode } from '../../src/core/errors';
import { FaultProxy } from '../support/fault-proxy';
import { edgeOf, group, watch } from '../support/live-edges';
import { liveServers, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { steadyPort } from '../support/steady-ports';
import { pairFiles } from '../support/tls';

describe('what is published at an edge', () => {
  const proxies: FaultProxy[] = [];
  // Before the servers, which would wait for what is frozen.
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });
  const start = liveServers();

  async function linkTo({ port }: LiveServer): Promise<FaultProxy> {
    const proxy = await FaultProxy.start({ host: '127.0.0.1', port });
    proxies.push(proxy);
    return proxy;
  }

  /** An origin that says this of who publishes. */
  function judge(verdict: () => Refusal | undefined): Promise<LiveServer> {
    const authorizer: Authorizer = {
      authorize: (action) => (action === 'publish' ? verdict() : undefined),
      ended: () => undefined,
    };
    return start(vhost(), systemClock, { authorizer });
  }

  const publishers = ({ log }: LiveServer): number => log.matching('type=publish(').length;
  /** Where it is published: at the first of the servers that was asked. */
  const chosen = (origins: readonly LiveServer[]): number => origins.findIndex(publishers);

  it('is played there, at the origin and at other edges', async () => {
    const origin = await start();
    const edges = [await start(edgeOf([origin])), await start(edgeOf([origin]))];
    const players = await Promise.all([origin, ...edges].map((live) => watch(live)));
    const publisher = await edges[0]!.publisher();
    publisher.sendAll(group(0, 'a'));
    for (const player of players) await player.sees('a');
    publisher.socket.destroy();
    await origin.log.until(() => origin.log.matching('cleanup when unpublish').length === 1);
    const again = await edges[1]!.publisher();
    again.sendAll(group(0, 'b'));
    for (const player of players) await player.sees('b');
  });

  it('goes there and comes back over TLS', async () => {
    const { cert, key } = pairFiles('first');
    const tls = `rtmps_listen 127.0.0.1:0; rtmps_cert ${cert}; rtmps_key ${key};`;
    const origin = await start(vhost('', tls));
    const word = `origin rtmps://127.0.0.1:${origin.securePort};`;
    const edges = await Promise.all(
      ['upstream_verify off;', 'upstream_verify off;', ''].map((options) =>
        start(edgeOf([], `${word} ${options}`)),
      ),
    );
    const publisher = await edges[0]!.publisher();
    const players = [await watch(edges[0]!), await watch(edges[1]!), await watch(origin)];
    publisher.sendAll(group(0, 'a'));
    for (const player of players) await player.sees('a');
    const [, , strict] = edges;
    await strict!.player();
    await strict!.log.until(() => strict!.log.matching('edge pull fails').length > 0);
    assert.match(strict!.log.matching('edge pull fails')[0]!, /certificate/i);
  });

  it('can be followed through the logs of both', async () => {
    const origin = await start();
    const edge = await start(edgeOf([origin]));
    const publisher = await edge.client({
      tcUrl: `rtmp://127.0.0.1:${edge.port}/live?token=secret`,
    });
    await publisher.publish('s?key=hidden');
    assert.match(origin.log.matching('edge-srs')[0]!, /, id=100$/);
    assert.match(edge.log.matching('origin-srs')[0]!, /^trace 100 .*, id=100$/);
    const lines = [...edge.log.lines, ...origin.log.lines];
    assert.deepEqual(
      lines.filter((line) => /secret|hidden/.test(line)),
      [],
    );
  });

  it('is refused in the words of the origin', async () => {
    const status = 'NetStream.Publish.BadName';
    const description = 'the key is out of date';
    const origin = await judge(() => ({ code: ErrorCode.RTMP_ACCESS_DENIED, status, description }));
    const edge = await start(edgeOf([origin]));
    const publisher = await edge.client();
    const told = await publisher.publish('s');
    assert.deepEqual([told.level, told.code, told.description], ['error', status, description]);
    await publisher.closed;
    await origin.empty();
  });

  it('is refused when no origin can be reached in time, and the client may be gone by then', async () => {
    const port = await steadyPort('127.0.0.1');
    const edge = await start(edgeOf([{ port }]));
    const publisher = await edge.client();
    void publisher.publish('s').catch(() => undefined);
    await edge.log.until(() => edge.log.matching('ECONNREFUSED').length > 1);
    publisher.socket.destroy();
    await edge.closing(100);
    await edge.sockets(0);
  });

  it('goes to the next origin when one cannot be reached', async () => {
    const origins = [await start(), await start()];
    const links = await Promise.all(origins.map(linkTo));
    for (const stream of ['1', '2', '3', '4']) {
      const edge = await start(edgeOf(links));
      await links[0]!.refuse();
      await edge.publisher(stream);
      await links[0]!.accept();
    }
    assert.equal(publishers(origins[1]!), 4);
  });

  it('waits for an origin that comes back soon', async () => {
    const port = await steadyPort('127.0.0.1');
    const edge = await start(edgeOf([{ port }]));
    const publisher = await edge.client();
    const answer = publisher.publish('s');
    await edge.log.until(() => edge.log.matching('ECONNREFUSED').length > 0);
    const origin = await start(vhost().replace('127.0.0.1:0', `127.0.0.1:${port}`));
    assert.equal((await answer).code, 'NetStream.Publish.Start');
    publisher.sendAll(group(0, 'a'));
    await (await watch(origin)).sees('a');
  });

  it('goes on to the next origin when one is lost, or frozen', async () => {
    for (const fault of ['lost', 'frozen']) {
      const origins = [await start(), await start()];
      const links = await Promise.all(origins.map(linkTo));
      const edge = await start(edgeOf(links));
      const publisher = await edge.publisher();
      publisher.sendAll(group(0, 'a'));
      const first = chosen(origins);
      await (await watch(origins[first]!)).sees('a');
      if (fault === 'frozen') links[first]!.freeze();
      else {
        await links[first]!.refuse();
        links[first]!.cut();
      }
      const other = await watch(origins[1 - first]!);
      await other.sees('a');
      publisher.sendAll(group(1000, 'b'));
      await other.sees('b');
      await (await watch(edge)).sees('b');
    }
  });

  it('comes back to a restarted origin', async () => {
    const config = vhost().replace('127.0.0.1:0', `127.0.0.1:${await steadyPort('127.0.0.1')}`);
    const before = await start(config);
    const edge = await start(edgeOf([before]));
    const publisher = await edge.publisher();
    publisher.sendAll(group(0, 'a'));
    await before.stop();
    const after = await start(config);
    await (await watch(after)).sees('a');
    assert.equal(publisher.isClosed, false);
  });

  it('ends in the words of the origin when that ends it', async () => {
    const origin = await start(vhost('publish_conflict takeover;'));
    const edge = await start(edgeOf([origin]));
    const publisher = await edge.publisher();
    await origin.publisher();
    const told = await publisher.status();
    assert.deepEqual([told.level, told.code], ['error', 'NetStream.Publish.Denied']);
    assert.match(told.description, /^replaced by id=\d+$/);
    await publisher.closed;
  });

  it('is taken over by another client of the edge, whatever the origin has to say to two', async () => {
    const origin = await start(vhost('publish_conflict reject;'));
    const edge = await start(edgeOf([origin], 'publish_conflict takeover;'));
    const first = await edge.publisher();
    const player = await watch(origin);
    first.sendAll(group(0, 'a'));
    await player.sees('a');
    const second = await edge.publisher();
    second.sendAll(group(0, 'b'));
    await player.sees('b');
    assert.match((await first.status()).description, /^replaced by id=/);
  });

  it('goes on when the origin refuses another client that wants to take it over', async () => {
    let count = 0;
    const origin = await judge(() => {
      count++;
      const description = 'not you';
      const refusal = { code: ErrorCode.RTMP_ACCESS_DENIED, status: 'NetStream.Publish.Denied' };
      return count === 2 ? { ...refusal, description } : undefined;
    });
    const edge = await start(edgeOf([origin], 'publish_conflict takeover;'));
    const first = await edge.publisher();
    const player = await watch(origin);
    first.sendAll(group(0, 'a'));
    await player.sees('a');
    const second = await edge.client();
    assert.equal((await second.publish('s')).description, 'not you');
    first.sendAll(group(1000, 'b'));
    await player.sees('b');
    assert.equal(first.isClosed, false);
  });

  it('has one publisher, also while the origin thinks about the first', async () => {
    const origin = await start();
    const link = await linkTo(origin);
    const edge = await start(edgeOf([link]));
    link.freeze();
    const first = await edge.client();
    const answer = first.publish('s');
    await link.untilAccepted(1);
    const second = await edge.client();
    const told = await second.publish('s');
    assert.equal(told.code, 'NetStream.Publish.BadName');
    assert.match(told.description, /is about to be published by id=100$/);
    assert.equal(edge.log.matching('ret=2021').length, 1);
    link.thaw();
    assert.equal((await answer).code, 'NetStream.Publish.Start');
  });

  it('moves over when its origin is taken from the list, and only then', async () => {
    const origins = [await start(), await start()];
    const edge = await start(edgeOf(origins));
    const publisher = await edge.publisher();
    publisher.sendAll(group(0, 'a'));
    const first = chosen(origins);
    const reload = (list: readonly LiveServer[]): Promise<unknown> =>
      edge.server.reload(Config.parse(edgeOf(list), 'test.conf'));
    await reload([origins[first]!]);
    await reload([origins[first]!, origins[1 - first]!]);
    assert.equal(edge.log.matching('edge push begins anew').length, 0);
    await reload([origins[1 - first]!]);
    await (await watch(origins[1 - first]!)).sees('a');
    await origins[first]!.empty();
  });

  it('is handed on at the end of the vhost no more', async () => {
    const origin = await start();
    const other = 'vhost a.com { mw_latency 0; }';
    const edge = await start(edgeOf([origin], '', other));
    const publisher = await edge.publisher();
    await edge.server.reload(Config.parse(`listen 127.0.0.1:0; ${other}`, 'test.conf'));
    assert.equal((await publisher.status()).code, 'NetStream.Publish.Denied');
    await publisher.closed;
    await origin.empty();
  });
});
