import assert from 'node:assert/strict';

import { ManualClock } from '../support/fakes/manual-clock';
import { httpConfig, liveServers } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { flvFile, sampleTags } from '../support/media';

const tags = sampleTags(5);

interface Leaving {
  destroy?(): unknown;
  terminate?(): void;
}

/** One client of each kind; every one of them is one connection. */
const kinds: Record<string, (live: LiveServer) => Promise<{ socket: Leaving }>> = {
  'plays by RTMP': (live) => live.player(),
  'plays FLV by HTTP': (live) => live.httpPlayer(),
  'plays FLV by HTTPS': (live) => live.httpPlayer('/live/s.flv', 'HTTPS'),
  'plays MPEG-TS by HTTP': (live) => live.httpPlayer('/live/s.ts'),
  'plays AAC by HTTPS': (live) => live.httpPlayer('/live/s.aac', 'HTTPS'),
  'plays by WebSocket': (live) => live.wsPlayer(),
  'plays by WebSocket over TLS': (live) => live.wsPlayer('/live/s.ts', 'HTTPS'),
  'keeps a connection': async (live) => {
    const peer = await live.http();
    await peer.get('/none');
    return peer;
  },
  'waits for a publisher': async (live) => {
    const peer = await live.http();
    peer.ask('/live/to-come.flv');
    await live.log.until(() => live.log.matching('stream_name=to-come').length > 0);
    return peer;
  },
  'publishes by HTTP': async (live) => {
    const peer = await live.http();
    peer.ask('/live/mine.flv', { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
    const flv = flvFile(tags);
    peer.send(`${flv.length.toString(16)}\r\n`);
    peer.send(flv);
    await live.log.until(
      () => live.log.matching('source url=__defaultVhost__/live/mine').length > 0,
    );
    return peer;
  },
};

describe('max_connections', () => {
  const start = liveServers();

  it('counts every client once, whatever it speaks, until it is gone', async () => {
    const count = 1 + Object.keys(kinds).length;
    const clock = new ManualClock();
    const live = await start(`max_connections ${count}; ${httpConfig()}`, clock);
    const publisher = await live.publisher();
    publisher.sendAll(tags.slice(1));
    await publisher.ping();
    const assertFull = async (): Promise<void> => {
      clock.advance(1000);
      const extra = await live.http();
      await extra.closed;
      const line = live.log.matching('exceed the max connections').at(-1)!;
      assert.match(line, new RegExp(`clients=${count}, max=${count}, ip=127.0.0.1`));
    };
    const clients = new Map<string, Leaving>();
    for (const [kind, join] of Object.entries(kinds)) clients.set(kind, (await join(live)).socket);
    await live.sockets(count);
    await assertFull();
    for (const [kind, leaving] of clients) {
      if (leaving.terminate) leaving.terminate();
      else leaving.destroy?.();
      await live.sockets(count - 1);
      const next = await live.http();
      assert.equal((await next.get('/none')).status, 404, `when the one who ${kind} has left`);
      await assertFull();
      next.socket.destroy();
      await live.sockets(count - 1);
      await kinds[kind]!(live);
      await live.sockets(count);
      await assertFull();
    }
  });
});
