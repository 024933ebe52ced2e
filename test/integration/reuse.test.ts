import assert from 'node:assert/strict';

import type { LivePeer } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { aacFrame, avcKeyFrame, hex } from '../support/media';

const sound = (text: string): { type: number; timestamp: number; payload: Buffer } => ({
  type: 8,
  timestamp: 0,
  payload: aacFrame(text),
});

/** Ways to stop, with what the server says to it. */
const FMLE_ENDS: [what: string, stop: (peer: LivePeer) => Promise<unknown>][] = [
  [
    'FCUnpublish',
    async (peer) => {
      peer.command(0, 'FCUnpublish', 8, null, 's');
      await peer.reply(8);
      return peer.status('NetStream.Unpublish.Success');
    },
  ],
  [
    'deleteStream',
    (peer) => {
      peer.command(0, 'deleteStream', 8, null, 1);
      return peer.reply(8);
    },
  ],
  [
    'closeStream',
    (peer) => {
      peer.command(1, 'closeStream', 0, null);
      return peer.ping();
    },
  ],
];

describe('one connection', () => {
  const start = liveServers();

  for (const [what, stop] of FMLE_ENDS) {
    it(`publishes again after ${what}, the same stream and another`, async () => {
      const live = await start();
      const player = await live.player('s');
      const other = await live.player('t');
      const publisher = await live.publisher('s');
      publisher.message(8, 0, aacFrame('first'));
      await stop(publisher);
      // Between two streams nothing is published.
      publisher.message(8, 0, aacFrame('nowhere'));
      assert.equal((await publisher.publish('s')).code, 'NetStream.Publish.Start');
      publisher.message(8, 0, aacFrame('second'));
      await stop(publisher);
      assert.equal((await publisher.publish('t', 'flash')).code, 'NetStream.Publish.Start');
      publisher.message(8, 0, aacFrame('third'));
      const heard = [...(await player.media(2)), ...(await other.media(1))];
      assert.deepEqual(
        heard.map(({ payload }) => payload.subarray(2).toString()),
        ['first', 'second', 'third'],
      );
    });
  }

  for (const what of ['closeStream', 'deleteStream', 'createStream', 'FCUnpublish']) {
    it(`of Flash stops publishing by ${what}`, async () => {
      const live = await start();
      const publisher = await live.publisher('s', 'flash');
      publisher.command(0, what, 8, null, 's');
      await publisher.ping();
      assert.equal(live.log.matching('cleanup when unpublish').length, 1);
      const next = await live.publisher('s');
      next.sendAll([sound('next')]);
      await next.ping();
      assert.deepEqual(live.errors, []);
    });
  }

  it('plays one stream after another, ended by closeStream or deleteStream', async () => {
    const live = await start();
    const player = await live.client();
    for (const [index, stream] of ['a', 'b', 'a', 'c'].entries()) {
      const publisher = await live.publisher(stream);
      await player.play(stream);
      publisher.sendAll([sound(`${stream}${index}`)]);
      assert.deepEqual(texts(await player.media(1)), texts([sound(`${stream}${index}`)]));
      if (index % 2 === 0) player.command(1, 'closeStream', 0, null);
      else player.command(0, 'deleteStream', 0, null, 1);
      await player.ping();
      publisher.sendAll([sound('unheard')]);
      await publisher.ping();
      await player.ping();
      assert.deepEqual(player.waiting(), []);
      publisher.socket.destroy();
      await live.closing(101 + index);
    }
  });

  it('plays, then publishes, then plays', async () => {
    const live = await start();
    const source = await live.publisher('a');
    const peer = await live.client();
    await peer.play('a');
    source.sendAll([sound('to the player')]);
    assert.deepEqual(texts(await peer.media(1)), texts([sound('to the player')]));
    peer.command(1, 'closeStream', 0, null);
    assert.equal((await peer.publish('b')).code, 'NetStream.Publish.Start');
    const listener = await live.player('b');
    peer.sendAll([sound('from the player')]);
    assert.deepEqual(texts(await listener.media(1)), texts([sound('from the player')]));
    peer.command(0, 'FCUnpublish', 9, null, 'b');
    await peer.status('NetStream.Unpublish.Success');
    await peer.play('a');
    source.message(8, 0, aacFrame('again'));
    const [heard] = await peer.media(1);
    assert.ok(heard!.payload.equals(aacFrame('again')));
  });

  it('is answered when it calls what the server does not know', async () => {
    const live = await start();
    const client = await live.client();
    client.command(0, 'getStreamLength', 5, null, 's');
    assert.deepEqual(await client.reply(5), ['_result', 5, null, 0]);
    client.command(0, 'somethingElse', 6, null);
    assert.deepEqual(await client.reply(6), ['_result', 6, null, null]);
  });
});

/** Where a client may be when its peer goes, and how it got there. */
const STATES: [what: string, go: (live: LiveServer) => Promise<LivePeer>][] = [
  ['before the handshake', (live) => live.peer()],
  [
    'within the handshake',
    async (live) => {
      const peer = await live.peer();
      peer.socket.write(Buffer.concat([Buffer.of(3), Buffer.alloc(700)]));
      return peer;
    },
  ],
  ['after the handshake', async (live) => (await live.peer()).handshake()],
  ['after the connect', (live) => live.client()],
  [
    'within a command',
    async (live) => {
      const peer = await live.client();
      peer.socket.write(hex('03 000000 000020 14 00000000 0200'));
      return peer;
    },
  ],
  ['while it publishes', (live) => live.publisher()],
  [
    'within a frame',
    async (live) => {
      const peer = await live.publisher();
      peer.socket.write(
        Buffer.concat([hex('06 000000 00ffff 09 01000000'), Buffer.alloc(100, 0x17)]),
      );
      return peer;
    },
  ],
  ['while it plays', (live) => live.player()],
  [
    'while it is paused',
    async (live) => {
      const peer = await live.player();
      peer.command(1, 'pause', 0, null, true, 0);
      await peer.status('NetStream.Pause.Notify');
      return peer;
    },
  ],
];

describe('a client that goes', () => {
  const start = liveServers();

  for (const [what, go] of STATES) {
    it(`${what} leaves nothing but its closing line`, async () => {
      const live = await start(vhost('publish_conflict reject;'));
      for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
        const peer = await go(live);
        peer.socket[how]();
        await live.empty();
      }
      assert.deepEqual(live.errors, []);
      assert.equal(live.log.matching('client disconnect peer. ret=1004').length, 3);
      const publisher = await live.publisher();
      publisher.message(9, 0, avcKeyFrame());
      await publisher.ping();
    });
  }
});
