import assert from 'node:assert/strict';

import type { Authorizer } from '../../src/app/access/access';
import { Config } from '../../src/app/config/config';
import { systemClock } from '../../src/core/clock';
import { ErrorCode } from '../../src/core/errors';
import { FaultProxy } from '../support/fault-proxy';
import { askedLast, edgeOf, group, watch, Watcher } from '../support/live-edges';
import { liveServers, texts, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { steadyPort } from '../support/steady-ports';

const denied = {
  code: ErrorCode.RTMP_ACCESS_DENIED,
  status: 'NetStream.Play.Failed',
  description: 'not for you',
};

describe('a stream fetched by an edge', () => {
  const proxies: FaultProxy[] = [];
  // Before the servers, which would wait for what is frozen.
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });
  const start = liveServers();

  /** A link to an origin that can fail. */
  async function linkTo({ port }: LiveServer): Promise<FaultProxy> {
    const proxy = await FaultProxy.start({ host: '127.0.0.1', port });
    proxies.push(proxy);
    return proxy;
  }

  const players = ({ log }: LiveServer): number => log.matching('type=Play').length;

  it('comes over one connection, to early and late players alike', async () => {
    const origin = await start();
    const edge = await start(edgeOf([origin]));
    const early = await edge.player();
    const publisher = await origin.publisher();
    publisher.sendAll(group(0, 'a'));
    assert.deepEqual(texts(await early.media(5)), texts(group(0, 'a')));
    const late = await edge.player();
    assert.deepEqual(texts(await late.media(5)), texts(group(0, 'a')));
    assert.equal(players(origin), 1);
  });

  it('can be followed through the logs of both, and is listed as published, without any limit', async () => {
    const origin = await start();
    const api = 'http_api { enabled on; listen 127.0.0.1:0; }';
    const edge = await start(edgeOf([origin], 'limits { publishers 1; clients 2; }', api));
    const publisher = await origin.publisher();
    publisher.sendAll(group(0, 'a'));
    const players = [await watch(edge), await watch(edge)];
    for (const player of players) await player.sees('a');
    const [line = ''] = edge.log.matching('origin-srs');
    const [, id, theirs] = /^trace (\d+) .*, id=(\d+)$/.exec(line)!;
    assert.equal(origin.log.matching(`trace ${theirs} edge-srs ip=`).length, 1);
    assert.match(
      origin.log.matching(`trace ${theirs} edge-srs ip=`)[0]!,
      new RegExp(`, id=${id}$`),
    );
    assert.ok(
      origin.log.matching(`trace ${theirs} source url=`)[0]?.includes('source_id=100[100]'),
    );
    const third = await edge.client();
    assert.equal((await third.publish('other')).code, 'NetStream.Publish.Denied');
    const port = edge.server.ports('HTTP API')[0]!;
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/streams/`);
    const { streams } = (await answer.json()) as {
      streams: { clients: number; publish: { active: boolean; cid: number } }[];
    };
    assert.deepEqual(
      streams.map(({ clients, publish }) => [clients, publish]),
      [[3, { active: true, cid: Number(id) }]],
    );
  });

  it('is fetched until a while after the last player has left', async () => {
    const origin = await start();
    const edge = await start(edgeOf([origin], 'edge_linger 0.6;'));
    const publisher = await origin.publisher();
    publisher.sendAll(group(0, 'a'));
    const first = await watch(edge);
    await first.sees('a');
    first.peer.socket.destroy();
    await edge.closing(100);
    const second = await watch(edge);
    await second.sees('a');
    assert.equal(players(origin), 1);
    second.peer.socket.destroy();
    await origin.closing(101);
    assert.equal(edge.log.matching('edge pull stops').length, 1);
  });

  it('is not fetched any more when its only player leaves before there is media', async () => {
    const origin = await start();
    const edge = await start(edgeOf([origin]));
    const player = await edge.player();
    await origin.log.until(() => players(origin) === 1);
    player.socket.destroy();
    await origin.empty();
    await edge.sockets(0);
  });

  it('goes on in time after its origin was restarted', async () => {
    const port = await steadyPort('127.0.0.1');
    const config = vhost().replace('127.0.0.1:0', `127.0.0.1:${port}`);
    const before = await start(config);
    const edge = await start(edgeOf([before]));
    const player = await watch(edge);
    (await before.publisher()).sendAll(group(900_000, 'a'));
    await player.sees('a');
    await before.stop();
    const after = await start(config);
    (await after.publisher()).sendAll(group(0, 'b'));
    await player.sees('b');
    const late = await watch(edge);
    await late.sees('b');
  });

  it('comes from the other origin when the first one is lost, the same one for all edges', async () => {
    const origins = [await start(), await start()];
    const links = await Promise.all(origins.map(linkTo));
    const edges = [await start(edgeOf(links)), await start(edgeOf([...links].reverse()))];
    for (const [at, origin] of origins.entries()) {
      (await origin.publisher()).sendAll(group(at * 1000, `from ${at}`));
    }
    const watchers = await Promise.all(edges.map((edge) => watch(edge)));
    const [first] = edges.map((edge) => links.indexOf(askedLast(edge, links)));
    for (const player of watchers) await player.sees(`from ${first!}`);
    await links[first!]!.refuse();
    links[first!]!.cut();
    for (const player of watchers) await player.sees(`from ${1 - first!}`);
  });

  it('comes from the other origin when the first one is frozen', async () => {
    const origins = [await start(), await start()];
    const links = await Promise.all(origins.map(linkTo));
    const edge = await start(edgeOf(links));
    for (const [at, origin] of origins.entries()) {
      (await origin.publisher()).sendAll(group(at * 1000, `from ${at}`));
    }
    const player = await watch(edge);
    const first = links.indexOf(askedLast(edge, links));
    await player.sees(`from ${first}`);
    const began = performance.now();
    links[first]!.freeze();
    await player.sees(`from ${1 - first}`);
    assert.ok(performance.now() - began < 1500);
    // Whoever comes now does not have to find that out again.
    const other = await watch(edge, 's');
    await other.sees(`from ${1 - first}`);
  });

  it('stays with a frozen origin when there is no other, and goes on when that is back', async () => {
    const origin = await start();
    const link = await linkTo(origin);
    const edge = await start(edgeOf([link]));
    const publisher = await origin.publisher();
    publisher.sendAll(group(0, 'a'));
    const player = await watch(edge);
    await player.sees('a');
    // By now the origin has answered the first question whether it lives.
    publisher.sendAll(group(1000, 'b'));
    await player.sees('b');
    link.freeze();
    await edge.log.until(() => edge.log.matching('expect a sign of life').length > 0);
    link.thaw();
    publisher.sendAll(group(5000, 'c'));
    await player.sees('c');
  });

  it('comes from where it is published, also when the first origin only has nothing to send', async () => {
    const origins = [await start(), await start()];
    const edge = await start(edgeOf(origins));
    const player = await watch(edge);
    const empty = askedLast(edge, origins);
    const other = origins.find((origin) => origin !== empty)!;
    (await other.publisher()).sendAll(group(0, 'a'));
    await player.sees('a');
    assert.equal(edge.log.matching('expect media of the origin').length, 1);
  });

  it('is asked for at the next origin when one refuses it', async () => {
    const origins = [
      await start(vhost('security { enabled on; deny play all; }')),
      await start(vhost('security { enabled on; deny play all; }')),
    ];
    const open = await start();
    (await open.publisher()).sendAll(group(0, 'a'));
    const edge = await start(edgeOf([...origins, open]));
    await (await watch(edge)).sees('a');
  });

  it('is over for players as soon as its publisher leaves, and comes again with the next', async () => {
    const origin = await start();
    const edge = await start(edgeOf([origin]));
    const player = await watch(edge);
    for (const name of ['a', 'b']) {
      const publisher = await origin.publisher();
      publisher.sendAll(group(0, name));
      await player.sees(name);
      publisher.socket.destroy();
      const count = name === 'a' ? 1 : 2;
      await edge.log.until(() => edge.log.matching('cleanup when unpublish').length === count);
    }
    assert.equal(players(origin), 1);
  });

  it('passes through an edge of an edge, and back to a third', async () => {
    const origin = await start();
    const middle = await start(edgeOf([origin]));
    const edge = await start(edgeOf([middle]));
    const player = await watch(edge);
    const publisher = await origin.publisher();
    publisher.sendAll(group(0, 'a'));
    await player.sees('a');
    publisher.socket.destroy();
    await edge.log.until(() => edge.log.matching('cleanup when unpublish').length === 1);
    (await origin.publisher()).sendAll(group(0, 'b'));
    await player.sees('b');
  });

  it('gives way to a client that publishes at the edge, and comes back after it', async () => {
    const origin = await start(vhost('publish_conflict takeover;'));
    const edge = await start(edgeOf([origin]));
    const player = await watch(edge);
    const far = await origin.publisher();
    far.sendAll(group(0, 'far'));
    await player.sees('far');
    const near = await edge.publisher();
    near.sendAll(group(0, 'near'));
    await player.sees('near');
    assert.equal(edge.log.matching('publishes the stream here').length, 1);
    near.socket.destroy();
    await edge.log.until(() => edge.log.matching(' edge pull __').length === 2);
    const again = await origin.publisher();
    again.sendAll(group(0, 'again'));
    await player.sees('again');
  });

  it('stops when an operator ends it, until one more wants it', async () => {
    const origin = await start();
    const api = 'http_api { enabled on; listen 127.0.0.1:0; }';
    const edge = await start(edgeOf([origin], '', api));
    (await origin.publisher()).sendAll(group(0, 'a'));
    const player = await watch(edge);
    await player.sees('a');
    const [line = ''] = edge.log.matching('edge pull __');
    const port = edge.server.ports('HTTP API')[0]!;
    const id = line.split(' ')[1]!;
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/clients/${id}`, {
      method: 'DELETE',
    });
    assert.equal(answer.status, 200);
    await origin.closing(101);
    assert.ok(edge.log.matching('kicked by an operator').length > 0);
    await (await watch(edge)).sees('a');
    await player.sees('a');
  });

  it('takes the tokens of the newest player upstream, and those of one known to have leave when they do not', async () => {
    const asked: string[] = [];
    const authorizer: Authorizer = {
      authorize: (action, { request: { param, streamParam, args } }) => {
        if (action !== 'play') return undefined;
        asked.push(`${param} ${streamParam} ${args?.string('k') ?? ''}`);
        return streamParam.includes('good') ? undefined : denied;
      },
      ended: () => undefined,
    };
    const origin = await start(vhost(), systemClock, { authorizer });
    (await origin.publisher()).sendAll(group(0, 'a'));
    const link = await linkTo(origin);
    const edge = await start(edgeOf([link]));
    const peer = await edge.client({ tcUrl: `rtmp://127.0.0.1:${edge.port}/live?x=1` });
    await peer.play('s?token=good');
    const player = new Watcher(peer);
    await player.sees('a');
    const other = new Watcher(await edge.player('s?token=bad'));
    await other.sees('a');
    link.cut();
    await player.sees('a');
    assert.deepEqual(asked, ['?x=1 ?token=good ', ' ?token=bad ', '?x=1 ?token=good ']);
    assert.deepEqual(edge.log.matching('=good').concat(edge.log.matching('=bad')), []);
  });

  it('moves over when its origin is taken from the list, and only then', async () => {
    const origins = [await start(), await start()];
    const config = (list: readonly LiveServer[]): string => edgeOf(list);
    const edge = await start(config(origins));
    for (const [at, origin] of origins.entries()) {
      (await origin.publisher()).sendAll(group(at * 1000, `from ${at}`));
    }
    const player = await watch(edge);
    const first = origins.indexOf(askedLast(edge, origins));
    await player.sees(`from ${first}`);
    const reload = async (list: readonly LiveServer[]): Promise<void> => {
      await edge.server.reload(Config.parse(config(list), 'test.conf'));
    };
    await reload([origins[first]!]);
    await reload([...origins].reverse());
    assert.equal(edge.log.matching('edge pull begins anew').length, 0);
    await reload([origins[1 - first]!]);
    await player.sees(`from ${1 - first}`);
  });

  it('is not asked for in circles', async () => {
    const ports = [await steadyPort('127.0.0.1'), await steadyPort('127.0.0.1')];
    const config = (own: number, ...origins: number[]): string =>
      edgeOf(origins.map((port) => ({ port }))).replace('127.0.0.1:0', `127.0.0.1:${own}`);
    const itself = await start(config(ports[0]!, ports[0]!));
    const lonely = await itself.player();
    await itself.log.until(() => itself.log.matching('ret=1030').length > 0);
    lonely.socket.destroy();
    await itself.sockets(0);
    await itself.stop();
    // Two edges that ask each other before they ask the origin.
    const origin = await start();
    const edges = [
      await start(config(ports[0]!, ports[1]!, origin.port)),
      await start(config(ports[1]!, ports[0]!, origin.port)),
    ];
    const players = await Promise.all(edges.map((edge) => watch(edge)));
    (await origin.publisher()).sendAll(group(0, 'a'));
    for (const player of players) await player.sees('a');
    for (const { peer } of players) peer.socket.destroy();
    for (const edge of edges)
      await edge.log.until(() => edge.log.matching('edge pull stops').length > 0);
  });
});
