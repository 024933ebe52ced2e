import assert from 'node:assert/strict';

import { FaultProxy } from '../support/fault-proxy';
import type { LivePeer, Message } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { aacSequenceHeader, avcKeyFrame, avcSequenceHeader, sampleTags, videoSecond } from '../support/media'; // prettier-ignore
import { plainValues } from '../support/rtmp-peer';
import { steadyPort } from '../support/steady-ports';
import { pairFiles } from '../support/tls';
import { eventually } from '../support/waits';

const tags = sampleTags(10, 5).slice(1);
const headers = [
  { type: 9, timestamp: 0, payload: avcSequenceHeader() },
  { type: 8, timestamp: 0, payload: aacSequenceHeader() },
];
const VHOSTS = 'vhost a.com { mw_latency 0; }';

/** Lines of the forwarders of a server, those of other workers left out. */
function forwarderLines({ log }: LiveServer, text: string): string[] {
  const ids = log.matching(' forward begins, ').map((line) => line.split(' ')[1]);
  return log.matching(text).filter((line) => ids.includes(line.split(' ')[1]));
}

/** The next audio and video messages. */
async function mediaOf(peer: LivePeer, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    messages.push(await peer.next('media', ({ type }) => type === 8 || type === 9));
  }
  return messages;
}

describe('the forward of streams', () => {
  const proxies: FaultProxy[] = [];
  // Before the servers: one at the other side of a frozen link would wait for its end.
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
  });
  const start = liveServers();

  async function proxyTo({ port }: LiveServer): Promise<FaultProxy> {
    const proxy = await FaultProxy.start({ host: '127.0.0.1', port });
    proxies.push(proxy);
    return proxy;
  }

  const master = (forward: string, options = '', others = ''): Promise<LiveServer> =>
    start(vhost(`forward ${forward}; ${options}`, others));

  /** Publishers there are at a server. */
  const publishers = ({ log }: LiveServer): string[] => log.matching('type=publish(');

  /** So many times a destination took a copy. */
  async function taken(live: LiveServer, count = 1): Promise<void> {
    await live.log.until(() => forwarderLines(live, 'upstream takes the stream').length >= count);
  }

  async function published(live: LiveServer, count = 1): Promise<void> {
    await live.log.until(() => publishers(live).length >= count);
  }

  it('gives every destination what players get, with metadata as publishers send it', async () => {
    const slaves = [await start(), await start()];
    const live = await master(slaves.map(({ port }) => `127.0.0.1:${port}`).join(' '));
    const player = await live.player();
    const far = await Promise.all(slaves.map((slave) => slave.player()));
    const publisher = await live.publisher();
    await taken(live, 2);
    publisher.sendAll(sampleTags(10, 5));
    const expected = await mediaOf(player, tags.length);
    for (const peer of far) {
      assert.deepEqual(texts(await mediaOf(peer, tags.length)), texts(expected));
      const heard = peer.received;
      const found = heard.map(({ type, payload }) => (type === 18 ? plainValues(payload) : []));
      const metadata = found.filter(([name]) => name === 'onMetaData');
      assert.equal((metadata.at(-1)?.[1] as Record<string, unknown>)['width'], 640);
    }
    const [line = ''] = live.log.matching('forward begins');
    assert.match(line, /input=__defaultVhost__\/live\/s, origin=config, source_id=\d+$/);
    assert.ok(live.log.matching(` ${line.split('source_id=')[1]} client identified`).length > 0);
    assert.equal(forwarderLines(live, 'upstream connected, url=').length, 2);
    publisher.socket.destroy();
    for (const slave of slaves) await slave.log.until(() => slave.log.matching('cleanup').length > 0); // prettier-ignore
    assert.equal(live.log.matching('forward ends').length, 2);
  });

  it('goes to the vhost of the same name, or to what a URL says', async () => {
    const slave = await start(vhost('', VHOSTS));
    const own = `forward 127.0.0.1:${slave.port} rtmp://127.0.0.1:${slave.port}/x/[vhost]-[app]-[stream];`; // prettier-ignore
    const live = await start(vhost('', `vhost a.com { mw_latency 0; ${own} }`));
    const publisher = await live.client({ tcUrl: 'rtmp://a.com/live' });
    await publisher.publish('s?token=hidden');
    await published(slave, 2);
    const found = slave.log.matching('source url=').map((line) => /url=(\S+),/.exec(line)![1]);
    assert.deepEqual(found.sort(), ['__defaultVhost__/x/a.com-live-s', 'a.com/live/s']);
    assert.equal(live.log.matching('hidden').filter((line) => line.includes('forward')).length, 0);
    assert.ok(!slave.log.lines.join().includes('hidden'), 'tokens are for this server only');
  });

  it('goes over TLS, to a certificate that can be trusted or where that is not asked for', async () => {
    const { cert, key } = pairFiles('first');
    const slave = await start(
      vhost('', `rtmps_listen 127.0.0.1:0; rtmps_cert ${cert}; rtmps_key ${key};`),
    );
    const url = `rtmps://127.0.0.1:${slave.securePort}/live/KEY`;
    const live = await master(url, 'upstream_verify off;');
    const strict = await master(url.replace('KEY', 'OTHERKEY'));
    const player = await slave.player('KEY');
    const publisher = await live.publisher();
    await taken(live);
    publisher.sendAll(tags);
    await strict.publisher();
    assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
    await strict.log.until(() => forwarderLines(strict, 'retry in').length > 0);
    assert.match(forwarderLines(strict, 'retry in')[0] ?? '', /certificate/);
    const lines = [...live.log.lines, ...strict.log.lines];
    assert.ok(!lines.some((line) => line.includes('KEY')), 'no key is logged');
  });

  it('waits for a destination that is down, and feeds it from the last key frame on', async () => {
    const slave = await start();
    const proxy = await proxyTo(slave);
    await proxy.refuse();
    const other = await start();
    const live = await master(`127.0.0.1:${proxy.port} 127.0.0.1:${other.port}`);
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    const beside = await other.player();
    await beside.media(2 + 10);
    await live.log.until(() => live.log.matching('retry in').length > 0);
    await proxy.accept();
    const player = await slave.player();
    const heard = await player.media(2 + 10);
    // Both headers, and the second group of pictures with its sound.
    const expected = [...headers, ...tags.slice(2 + 10)];
    assert.deepEqual(
      heard.map(({ payload }) => payload.toString('hex')),
      expected.map(({ payload }) => payload.toString('hex')),
    );
  });

  it('comes back after each loss, with headers and metadata again', async () => {
    const slave = await start();
    const proxy = await proxyTo(slave);
    const live = await master(`127.0.0.1:${proxy.port}`);
    const publisher = await live.publisher();
    publisher.sendAll(sampleTags(10, 5));
    await taken(live);
    for (let round = 1; round <= 2; round++) {
      await slave.log.until(() => slave.log.matching('audio sh').length === round);
      proxy.cut();
      await taken(live, 1 + round);
    }
    const player = await slave.player();
    const heard = await player.media(3);
    assert.deepEqual(
      heard.map(({ type }) => type),
      [18, 9, 8],
    );
    assert.ok(forwarderLines(live, 'retry in').length >= 2);
    assert.ok(!publisher.isClosed);
  });

  it('tries on where somebody else publishes, and takes his place when he leaves', async () => {
    const slave = await start(vhost('publish_conflict reject;'));
    const squatter = await slave.publisher();
    const live = await master(`127.0.0.1:${slave.port}`);
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    await live.log.until(() => forwarderLines(live, 'retry in').length > 0);
    assert.match(forwarderLines(live, 'retry in')[0] ?? '', /ret=1028/);
    const player = await slave.player();
    squatter.socket.destroy();
    await player.media(2);
    await publisher.ping();
  });

  it('delays no publisher: not by one that never answers, nor by a name that is none', async () => {
    const slave = await start();
    const proxy = await proxyTo(slave);
    proxy.freeze();
    const live = await master(`127.0.0.1:${proxy.port} nobody.invalid`);
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    await player.media(tags.length);
    await proxy.untilAccepted(1);
    publisher.socket.destroy();
    await live.log.until(() => live.log.matching('forward ends').length === 2);
    await proxy.pass();
    await proxy.untilOpen(0);
  });

  it('skips the stream itself, whatever its address is called, and serves the others', async () => {
    const slave = await start();
    const port = await steadyPort('127.0.0.1');
    const [own, local] = [`127.0.0.1:${port}`, `rtmp://localhost:${port}/[app]/[stream]`];
    const copy = `rtmp://127.0.0.1:${port}/live/copy`;
    const forward = `forward 127.0.0.1:${slave.port} ${own} ${local} ${copy};`;
    const live = await start(vhost(forward).replace('127.0.0.1:0', own));
    const player = await slave.player();
    const publisher = await live.publisher();
    await taken(live);
    publisher.sendAll(tags);
    await player.media(2);
    // The copy is another stream here, and would itself be copied to itself.
    await (await live.player('copy')).media(2);
    await live.log.until(() => live.log.matching('ret=1030').length === 5);
    const urls = live.log.matching('forward to itself').map((line) => /url=(\S+),/.exec(line)?.[1]);
    const hidden = copy.replace('copy', '***');
    assert.deepEqual(urls.sort(), [own, own, hidden, local, local]);
  });

  it('goes on when another publisher takes the stream over', async () => {
    const slave = await start();
    const live = await master(`127.0.0.1:${slave.port}`, 'publish_conflict takeover;');
    const player = await slave.player();
    const first = await live.publisher();
    await taken(live);
    first.sendAll(tags);
    await player.media(tags.length);
    const second = await live.publisher();
    await first.closed;
    const later = tags.map((tag) => ({ ...tag, timestamp: tag.timestamp + 1000 }));
    second.sendAll(later);
    // Headers that are as before are nothing new to the destination.
    const expected = later.slice(headers.length);
    const heard = await player.media(expected.length);
    assert.deepEqual(
      heard.map(({ payload }) => payload.toString('hex')),
      expected.map(({ payload }) => payload.toString('hex')),
    );
    assert.equal(publishers(slave).length, 1, 'the destination does not notice');
    const [line = ''] = live.log.matching('forward goes on');
    const [begun = ''] = live.log.matching('forward begins');
    assert.notEqual(line.split('source_id=')[1], begun.split('source_id=')[1]);
  });

  it('begins anew with each publish, and ends with it', async () => {
    const slave = await start();
    const live = await master(`127.0.0.1:${slave.port}`);
    for (let round = 1; round <= 3; round++) {
      const publisher = await live.publisher();
      publisher.sendAll(tags);
      await published(slave, round);
      publisher.socket.destroy();
      await slave.log.until(() => slave.log.matching('cleanup when unpublish').length === round);
    }
    assert.equal(live.log.matching('forward ends').length, 3);
    await slave.sockets(0);
  });

  it('sends what waits to be merged before it ends', async () => {
    const slave = await start();
    const live = await master(`127.0.0.1:${slave.port}`, 'min_latency off; mw_latency 3000;');
    const player = await slave.player();
    const publisher = await live.publisher();
    await taken(live);
    publisher.sendAll(tags);
    publisher.command(0, 'FCUnpublish', 9, null, 's');
    assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
    await slave.log.until(() => slave.log.matching('cleanup when unpublish').length === 1);
  });

  it('leaves out what a slow destination cannot take, in bounded memory, up to a key frame', async () => {
    const slave = await start();
    const proxy = await proxyTo(slave);
    const live = await master(`127.0.0.1:${proxy.port}`, 'queue_length 2;');
    const watch = await live.player();
    const player = await slave.player();
    const publisher = await live.publisher();
    publisher.setChunkSize(60_000);
    await taken(live);
    publisher.sendAll([headers[0]!, avc(0, 'first')]);
    await player.media(2);
    await watch.media(2);
    proxy.freeze('up');
    const size = 64 * 1024;
    let held = 0;
    for (let second = 1; second <= 20; second++) {
      publisher.sendAll(videoSecond(second * 1000, size));
      await watch.media(25);
      held = Math.max(held, live.heldBytes);
    }
    const limit = (2 + 2) * 25 * size;
    assert.ok(held < limit, `${held} bytes held, at most ${limit} expected`);
    proxy.thaw('up');
    const last = avc(21_000, 'last');
    publisher.sendAll([last]);
    await player.next('the last frame', ({ payload }) => payload.equals(last.payload));
    const numbers = player.received
      .map(({ payload }) => /f(\d+)Z/.exec(payload.toString('latin1', 0, 24))?.[1])
      .flatMap((number) => (number === undefined ? [] : [Number(number)]));
    assert.ok(numbers.length > 0 && numbers.length < 20 * 25, `${numbers.length} frames came`);
    numbers.forEach((number, index) => {
      const before = numbers[index - 1] ?? 960;
      assert.ok(number === before + 40 || number % 1000 === 0, `frame ${number} after ${before}`);
    });
    assert.equal(publishers(slave).length, 1, 'the connection has lasted');
    publisher.socket.destroy();
    const [line = ''] = await ended(live);
    assert.ok(Number(/dropped=(\d+)/.exec(line)?.[1]) > 0, line);
  });

  it('tells of its state at intervals', async () => {
    const slave = await start();
    const print = 'pithy_print { forwarder 100; }';
    const live = await master(`127.0.0.1:${slave.port}`, '', print);
    (await live.publisher()).sendAll(tags);
    await live.log.until(() => live.log.matching('-> FWR time=').length > 0);
    const [line = ''] = forwarderLines(live, '-> FWR time=');
    assert.match(line, /-> FWR time=\d+, msgs=\d+, okbps=\d+,\d+,\d+, ikbps=\d+,\d+,\d+/);
  });

  it('ends with the server at once, in whatever state it is', async () => {
    const slave = await start();
    const proxy = await proxyTo(slave);
    proxy.freeze();
    const live = await master(`127.0.0.1:${slave.port} 127.0.0.1:${proxy.port} 127.0.0.1:1`);
    (await live.publisher()).sendAll(tags);
    await published(slave);
    await live.stop();
    assert.equal(live.log.matching('forward ends').length, 3);
    await slave.log.until(() => slave.log.matching('cleanup when unpublish').length === 1);
  });

  function avc(
    timestamp: number,
    text: string,
  ): { type: number; timestamp: number; payload: Buffer } {
    // prettier-ignore
    return { type: 9, timestamp, payload: avcKeyFrame(text) };
  }

  async function ended({ log }: LiveServer): Promise<string[]> {
    await log.until(() => log.matching('forward ends').length > 0);
    return log.matching('forward ends');
  }

  it('keeps a publisher whose destinations are all refused', async () => {
    const slave = await start(vhost('enabled off;'));
    const live = await master(`127.0.0.1:${slave.port}`);
    const publisher: LivePeer = await live.publisher();
    publisher.sendAll(tags);
    await live.log.until(() => forwarderLines(live, 'retry in').length > 0);
    await eventually('the publisher', () => !publisher.isClosed);
    await publisher.ping();
  });
});
